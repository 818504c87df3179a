"""What an enhancer says of its spectrum: compiled in, or refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import enhancer_model
import msgspec
import numpy as np
import pytest
import small_model

from tinykit import project as projects
from tinykit.audio.spec import METADATA_KEY, SPECTRUM_KEY, FeatureSpec
from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter, with_metadata
from tinykit.errors import ModelError
from tinykit.pipeline import building, compiling, enhancing, files
from tinykit.progress import silent

SPEC = enhancer_model.SPEC


def _ends(
    given: tuple[int, float, int], gains: tuple[int, type, float, int], spec: StftSpec = SPEC
) -> bytes:
    """A model with such an input and output, and between them anything."""
    writer = TfliteWriter()
    (bands, scale, zero_point), (outputs, dtype, out_scale, out_zero) = given, gains
    x = writer.tensor("x", (1, bands), np.int8, scale=scale, zero_point=zero_point)
    w = writer.constant("w", np.ones((outputs, bands), np.int8), scale=0.01)
    f = writer.tensor("f", (1, outputs), np.int8, scale=out_scale, zero_point=-128)
    writer.op("FULLY_CONNECTED", [x, w, None], [f], "FullyConnectedOptions")
    y = f
    if dtype != np.int8:
        y = writer.tensor("y", (1, outputs), dtype, scale=out_scale, zero_point=out_zero)
        writer.op("QUANTIZE", [f], [y], "QuantizeOptions")
    writer.metadata(enhancer_model.metadata(spec))
    return writer.build([x], [y])


GOOD_INPUT = (SPEC.bands, SPEC.scale, SPEC.zero_point)
GOOD_GAINS = (SPEC.bands, np.int8, 1 / 256, -128)


def test_the_smallest_enhancer_is_accepted() -> None:
    """What the wrong ones below are made from is right."""
    assert enhancing.spectrum_spec(read_tflite(_ends(GOOD_INPUT, GOOD_GAINS))) == SPEC


def _damaged(text: bytes) -> Callable[[], bytes]:
    return lambda: with_metadata(enhancer_model.lstm(), {SPECTRUM_KEY: text})


WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "no JSON": (_damaged(b"{"), "metadata tinykit.spectrum: "),
    "unknown key": (_damaged(b'{"overlap": 2}'), "unknown field `overlap`"),
    "impossible": (_damaged(b'{"window_samples": 300}'), "not a power of two"),
    "fewer features": (
        lambda: _ends((20, SPEC.scale, SPEC.zero_point), GOOD_GAINS),
        "24 bands, the model takes 20 values",
    ),
    "more gains": (
        lambda: _ends(GOOD_INPUT, (30, np.int8, 1 / 256, -128)),
        "24 bands, the model gives 30 values",
    ),
    "a gate beside two gains, as many bytes as two wide gains": (
        lambda: _ends(
            (2, SPEC.scale, SPEC.zero_point),
            (4, np.int8, 1 / 256, -128),
            msgspec.structs.replace(SPEC, bands=2),
        ),
        "2 bands, the model gives 4 values",
    ),
    "another scale": (
        lambda: _ends((SPEC.bands, 0.1, SPEC.zero_point), GOOD_GAINS),
        "scale 0.09375, zero point 20; the model takes int8, scale 0.1, zero point 20",
    ),
    "another zero point": (
        lambda: _ends((SPEC.bands, SPEC.scale, 0), GOOD_GAINS),
        "zero point 20; the model takes int8, scale 0.09375, zero point 0",
    ),
    "gains of another scale": (
        lambda: _ends(GOOD_INPUT, (SPEC.bands, np.int8, 1 / 128, -128)),
        "the model gives int8, scale 0.0078125, zero point -128",
    ),
    "wide gains of another scale": (
        lambda: _ends(GOOD_INPUT, (SPEC.bands, np.int16, 1 / 256, 0)),
        "the model gives int16, scale 0.00390625",
    ),
    "a front end too": (
        lambda: with_metadata(
            enhancer_model.lstm(), {METADATA_KEY: msgspec.json.encode(FeatureSpec())}
        ),
        "a model has one of them",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_spectrum_that_does_not_fit_is_refused(name: str) -> None:
    """With both values, what the spectrum has and what the model does."""
    build, said = WRONG[name]
    with pytest.raises(ModelError, match=said):
        enhancing.spectrum_spec(read_tflite(build()))


def test_a_model_without_the_entry_is_no_enhancer() -> None:
    """Nothing is guessed from shapes."""
    assert enhancing.spectrum_spec(read_tflite(small_model.build())) is None


@pytest.mark.emulator
@pytest.mark.parametrize("kind", enhancer_model.KINDS)
def test_the_spectrum_is_compiled_beside_the_model(kind: str, tmp_path: Path) -> None:
    """Sources in c/spectrum, the specification in plan.json, and the application that uses both."""
    folder = enhancer_model.project(tmp_path / "enhance", enhancer_model.KINDS[kind]())
    found = projects.load(folder)
    compiling.run(found, silent)
    assert (folder / "build/c/spectrum/tk_spectrum.c").is_file()
    assert not (folder / "build/c/features").exists()
    plan = json.loads(found.path(files.PLAN).read_text())
    assert msgspec.convert(plan["spectrum"], StftSpec) == SPEC
    assert plan["features"] is None
    assert plan["front_end"]["static_bytes"] == 2 * (256 + 2 * 512 + 256)  # of window 256, hop 128
    firmware = building.firmware_project(found)
    assert firmware.app == "speech_enhancement"
    assert firmware.spectrum is not None
