"""The enhancer in C gives the samples of its twin in numpy, however the audio arrives."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any

import enhancer_model
import numpy as np
import pytest

from tinykit import board
from tinykit.audio import enhancer, spectrum_c
from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.toolchain import STRICT_FLAGS
from tinykit.errors import UsageError
from tinykit.firmware.project import Project, files

pytestmark = pytest.mark.host

_PROGRAM = """
#include <stdio.h>
#include "tk_enhancer.h"

/* stdin: pieces, each a count and its samples; 0 resets. stdout: what each piece gave. */
int main(void)
{
    static int16_t samples[70000], made[70000];
    uint32_t count;

    tk_enhancer_reset();
    while (fread(&count, sizeof count, 1, stdin)) {
        int16_t *out = count % 2 ? made : samples; /* in place, too */

        if (count == 0) {
            tk_enhancer_reset();
            continue;
        }
        if (count > 70000 || fread(samples, sizeof samples[0], count, stdin) != count) {
            return 1;
        }
        tk_enhancer_push(samples, count, out);
        fwrite(out, sizeof out[0], count, stdout);
    }
    return 0;
}
"""
_SANITIZERS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def _firmware(data: bytes, spec: StftSpec = enhancer_model.SPEC) -> Project:
    target = board.find("mps2-an386")
    model = compile_model(data, board.CORES["cortex-m3"]).sources  # portable: it runs here
    return Project("e", target, model, app="speech_enhancement", spectrum=spectrum_c.sources(spec))


class Compiled:
    """The enhancer's libraries as a program with ASan and UBSan."""

    def __init__(self, folder: Path, data: bytes) -> None:
        folder.mkdir()
        tree = files(_firmware(data))
        for name, text in tree.items():
            if name.startswith(("lib/tk_enhancer/", "lib/tk_spectrum/", "lib/tk_model/")):
                (folder / Path(name).name).write_text(text)
        (folder / "main.c").write_text(_PROGRAM)
        sources = ["main.c", "tk_enhancer.c", "tk_spectrum.c", "tk_model.c"]
        flags = ["-std=c99", *STRICT_FLAGS, "-Werror", *_SANITIZERS]
        subprocess.run(["gcc", *flags, *sources, "-o", "enhance"], cwd=folder, check=True)
        self._program = folder / "enhance"
        self._data = data

    def run(self, *pieces: np.ndarray) -> np.ndarray:
        """Push the pieces, one after the other; an empty one resets. Returns all that came out."""
        given = b"".join(struct.pack("<I", len(piece)) + piece.tobytes() for piece in pieces)
        done = subprocess.run(
            [self._program], input=given, capture_output=True, check=True, timeout=60
        )
        return np.frombuffer(done.stdout, np.int16)

    def twin(self, samples: np.ndarray) -> np.ndarray:
        """What numpy and the golden interpreter give."""
        with Golden(self._data) as golden:
            model = _asked(golden, self._data)
            return enhancer.enhance(samples, enhancer_model.SPEC, model)


def _asked(golden: Golden, data: bytes) -> Any:
    """The model as the twin asks it: at each hop, or when it wants to be asked."""

    def model(features: np.ndarray) -> np.ndarray:
        (answers,) = golden.run_many([features.reshape(-1, 1, enhancer_model.SPEC.bands)])
        return answers.reshape(len(features), -1)

    return enhancer.Skipping(model) if data == enhancer_model.skipping() else model


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compiled]:
    """The enhancer around each kind of model."""
    folder = tmp_path_factory.mktemp("enhancer")
    return {
        kind: Compiled(folder / str(number), build())
        for number, (kind, build) in enumerate(enhancer_model.KINDS.items())
    }


NOISY = enhancer_model.noisy(1.5)


@pytest.mark.parametrize("kind", enhancer_model.KINDS)
@pytest.mark.parametrize("most", [1, 7, 128, 700])
def test_equals_the_twin_in_pieces_of_any_size(
    compiled: dict[str, Compiled], kind: str, most: int
) -> None:
    """Every sample, ASan and UBSan silent, whether in place or from one array to another."""
    audio = NOISY[:6000]
    ends = np.cumsum(np.random.default_rng(most).integers(1, most + 1, 6000))
    pieces = [piece for piece in np.split(audio, ends[ends < len(audio)]) if len(piece)]
    np.testing.assert_array_equal(compiled[kind].run(*pieces), compiled[kind].twin(audio))


@pytest.mark.parametrize("kind", enhancer_model.KINDS)
def test_full_scale_audio_is_that_of_the_twin(compiled: dict[str, Compiled], kind: str) -> None:
    """The loudest square wave and noise: what saturates saturates alike."""
    square = np.where(np.arange(4000) // 20 % 2, 32767, -32768).astype(np.int16)
    noise = np.random.default_rng(0).integers(-32768, 32768, 4000).astype(np.int16)
    audio = np.concatenate([square, noise])
    np.testing.assert_array_equal(compiled[kind].run(audio), compiled[kind].twin(audio))


@pytest.mark.parametrize("kind", enhancer_model.KINDS)
def test_reset_forgets_all_audio(compiled: dict[str, Compiled], kind: str) -> None:
    """Spectrum, overlapping frames, model: after a reset the same audio gives the same again."""
    audio = NOISY[:3000]
    given = compiled[kind].run(audio, NOISY[:0], audio)
    np.testing.assert_array_equal(given[:3000], given[3000:])


class Asked:
    """A model that notes when it is asked: gains are the features, the gate depends on the hop."""

    def __init__(self, gates: dict[int, tuple[float, float]]) -> None:
        self.hops: list[int] = []
        self._gates = gates

    def __call__(self, features: np.ndarray) -> np.ndarray:
        self.hops.append(int(features[0, 0]))
        gate = np.array(self._gates.get(self.hops[-1], (1.0, 0.0)))
        steps = np.clip(np.round(gate * 256) - 128, -128, 127)
        return np.concatenate([features[0], steps]).astype(np.int8)[None]


def test_a_model_that_skips_is_asked_when_it_said_so() -> None:
    """Increments of 1/2 and more: every hop; of 3/16: every third; of none: at the longest."""
    model = Asked({0: (0.5, 0), 1: (3 / 16, 0), 4: (1 / 4, 0), 6: (0, 0)})
    skipping = enhancer.Skipping(model)
    hops = np.repeat(np.arange(-128, 128, dtype=np.int16)[128:, None], 5, axis=1)
    hops = np.concatenate([hops, hops]).astype(np.int8)
    gains = np.concatenate([skipping(hops[:3]), skipping(hops[3:])])
    assert model.hops[:5] == [0, 1, 4, 6, 6]
    assert list(gains[:8, 0]) == [0, 1, 1, 1, 4, 4, 6, 6]
    assert (skipping.hops, skipping.updates) == (256, len(model.hops))
    skipping.reset()
    assert skipping.hops == 0


@pytest.mark.parametrize(
    ("steps", "updates"), [(8, 2), (7, 1), (-16, 2), (-15, 1), (0, 1), (200, 2)]
)
def test_a_model_that_skips_is_asked_when_enough_is_new(steps: int, updates: int) -> None:
    """Half sensitive: 8 steps up in all bands are worth an inference, or 16 down."""
    first = -100 if steps > 0 else 100
    skipping = enhancer.Skipping(Asked({first: (0.0, 0.5)}))
    skipping(np.full((1, 6), first, np.int8))
    skipping(np.full((1, 6), first + steps, np.int8))
    assert skipping.updates == updates


def test_blocks_of_a_long_recording_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin works on some hops at a time: where it cuts makes no difference."""
    spec = StftSpec(window_samples=256, hop_samples=64, bands=24)

    def gains(features: np.ndarray) -> np.ndarray:
        return features  # any function of the frame

    whole = enhancer.enhance(NOISY, spec, gains)
    monkeypatch.setattr(enhancer, "_BLOCK", 5)
    np.testing.assert_array_equal(enhancer.enhance(NOISY, spec, gains), whole)


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129])
def test_short_audio_gives_as_many_samples(count: int) -> None:
    """Less than a hop is silence: nothing has come out yet."""
    given = enhancer.enhance(NOISY[:count], enhancer_model.SPEC, lambda features: features)
    assert given.dtype == np.int16
    assert len(given) == count
    assert not given[:128].any()


def test_open_gains_give_the_recording_back_in_its_place() -> None:
    """Lengthened, enhanced and aligned: as long as it was, 30 dB from it (a gain is 255/256)."""
    spec = enhancer_model.SPEC
    given = enhancer.enhance(
        enhancer.lengthened(NOISY, spec), spec, lambda features: np.full_like(features, 127)
    )
    back = enhancer.aligned(given, spec)
    assert len(back) == len(NOISY)
    error = np.sum((back - NOISY.astype(float)) ** 2) / np.sum(NOISY.astype(float) ** 2)
    assert 10 * np.log10(error) < -30


def test_gains_are_what_the_model_means() -> None:
    """int8: steps of 1/256 from -128; int16: Q15, and what is below zero is zero."""
    assert list(enhancer.gains_q15(np.array([-128, 0, 127], np.int8))) == [0, 16384, 32640]
    wide = np.array([-32768, -1, 0, 32767], np.int16)
    assert list(enhancer.gains_q15(wide)) == [0, 0, 0, 32767]


def test_the_application_is_refused_without_a_spectrum() -> None:
    """A model that takes tensors cannot enhance: said before anything is written."""
    bare = Project("e", board.find("mps2-an386"), {}, app="speech_enhancement")
    with pytest.raises(UsageError, match="needs a model that names its spectrum"):
        files(bare)


def test_the_firmware_has_the_enhancer_and_what_it_stands_on() -> None:
    """Libraries, application with microphone and speaker; the build says that it is there."""
    tree = files(_firmware(enhancer_model.lstm()))
    assert {"lib/tk_enhancer/tk_enhancer.c", "lib/tk_spectrum/tk_spectrum.c"} <= tree.keys()
    assert {"src/main.c", "src/microphone.c", "src/speaker.c"} <= tree.keys()
    assert "#define TK_BUILD_ENHANCER 1 " in tree["include/tk_build.h"]
