"""The enhancement recipe from synthetic speech to golden vectors, with a small network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")
pytest.importorskip("espeakng_loader", reason="the synth extra is not installed")

from tinykit import config, scaffold
from tinykit.audio import enhancement_sources
from tinykit.board import find
from tinykit.compiler.golden import Golden
from tinykit.config import Config
from tinykit.errors import BudgetError, ConfigError
from tinykit.quantize import enhancement
from tinykit.recipes import speech_enhancement as recipe

BOARD = find("mps2-an386")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path]:
    """A project as `tinykit new` makes it, trained for a moment."""
    root = tmp_path_factory.mktemp("enhancer")
    folder = scaffold.create(root / "clear", "speech-enhancement", "mps2-an386")
    made = config.load(folder)
    changed = msgspec.structs.replace(
        made,
        mixtures=msgspec.structs.replace(made.mixtures, per_epoch=8, validation=2, seconds=0.5),
        model=msgspec.structs.replace(made.model, width=0.25),
        train=msgspec.structs.replace(made.train, epochs=1, batch_size=4),
        test=msgspec.structs.replace(made.test, vectors=5),
    )
    patch = pytest.MonkeyPatch()
    with patch.context() as here:
        here.setenv("TINYKIT_CACHE", str(root / "cache"))
        here.setattr(enhancement_sources, "SYNTHETIC_VOICES", 3)
        here.setattr(enhancement_sources, "SYNTHETIC_WORDS", 8)
        here.setattr(recipe, "CALIBRATION_MIXTURES", 4)
        build = folder / "build"
        build.mkdir()
        recipe.train(changed, folder, build)
    return changed, build


def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_stages(trained: tuple[Config, Path]) -> None:
    """Every artifact of the stages is there and they agree."""
    settings, build = trained
    recipe.compress(settings, BOARD, build)
    recipe.quantize(settings, build)
    assert _read(build / "data.json")["source"] == "synthetic"
    assert _read(build / "train.json")["parameters"] == _read(build / "compress.json")["parameters"]
    quantized = _read(build / "quantize.json")
    rows = {(row["snr_db"], row["sound"]): row["si_sdr_db"] for row in quantized["quality"]}
    assert rows[0.0, "noisy"] == pytest.approx(0.0, abs=0.1)
    assert rows[10.0, "noisy"] == pytest.approx(10.0, abs=0.1)
    for snr_db in (0.0, 5.0, 10.0):
        assert rows[snr_db, "int8"] == pytest.approx(rows[snr_db, "float"], abs=0.5)
    with np.load(build / "mixtures.npz") as mixed:
        assert mixed["noisy"].shape == mixed["clean"].shape == mixed["float"].shape
        assert mixed["noisy"].dtype == mixed["float"].dtype == np.int16
        assert len(mixed["snr_db"]) == len(mixed["noisy"])
    with (
        np.load(build / "vectors.npz") as vectors,
        Golden((build / "model.tflite").read_bytes()) as golden,
    ):
        assert vectors["x"].shape == vectors["y"].shape == (5, 64)
        assert np.array_equal(enhancement.from_rest(golden, vectors["x"]), vectors["y"])


def test_a_budget_is_kept(trained: tuple[Config, Path]) -> None:
    """A model that is too large is refused."""
    settings, build = trained
    tight = msgspec.structs.replace(settings, budget=config.Budget(flash_kib=1.0))
    with pytest.raises(BudgetError):
        recipe.compress(tight, BOARD, build)


@pytest.fixture
def quick(trained: tuple[Config, Path], monkeypatch: pytest.MonkeyPatch) -> tuple[Config, Path]:
    """The project, whose later stages may train, too."""
    monkeypatch.setenv("TINYKIT_CACHE", str(trained[1].parent.parent / "cache"))
    monkeypatch.setattr(enhancement_sources, "SYNTHETIC_VOICES", 3)
    monkeypatch.setattr(enhancement_sources, "SYNTHETIC_WORDS", 8)
    return trained


@pytest.mark.slow
def test_units_go_until_a_budget_holds(quick: tuple[Config, Path]) -> None:
    """The compressed model is within it, and smaller than it was."""
    settings, build = quick
    macs = int(_read(build / "train.json")["macs"] * 0.8)
    pruned = msgspec.structs.replace(
        settings,
        budget=config.Budget(macs=macs),
        compress=config.Compress(technique="prune_units", pruning_epochs=1, epochs=1),
    )
    recipe.compress(pruned, BOARD, build)
    report = _read(build / "compress.json")
    assert report["macs"] <= macs < report["before"]["macs"]
    assert report["after"]["si_sdr_db"] > report["before"]["si_sdr_db"] - 6
    assert not list(build.glob(".checkpoint*"))


def test_an_enhancer_learns_to_skip(quick: tuple[Config, Path], tmp_path: Path) -> None:
    """It sits out the share of hops that was asked for, in float, on integers, and says so."""
    settings, trained_in = quick
    build = shutil.copytree(trained_in, tmp_path / "build")
    skips = config.Compress(technique="none", skip=0.4, skipping_epochs=1)
    settings = msgspec.structs.replace(settings, compress=skips)
    recipe.compress(settings, BOARD, build)
    report = _read(build / "compress.json")["skipping"]
    assert 0.3 < report["updates"] <= 0.6
    assert report["after"]["si_sdr_db"] > report["before"]["si_sdr_db"] - 3
    recipe.quantize(settings, build)
    rows = {
        (row["snr_db"], row["sound"]): row["si_sdr_db"]
        for row in _read(build / "quantize.json")["quality"]
    }
    for snr_db in (0.0, 5.0, 10.0):
        assert rows[snr_db, "int8"] == pytest.approx(rows[snr_db, "float"], abs=1.0)
    assert not list(build.glob(".checkpoint*"))


def test_skipping_is_not_trained_on_the_integers_grids(trained: tuple[Config, Path]) -> None:
    """Both at once are refused before anything is trained."""
    settings, build = trained
    both = msgspec.structs.replace(
        settings,
        compress=config.Compress(technique="none", skip=0.4),
        enhance=msgspec.structs.replace(settings.enhance, quantization_epochs=1),
    )
    with pytest.raises(ConfigError, match="quantization_epochs"):
        recipe.compress(both, BOARD, build)


@pytest.mark.slow
def test_a_network_is_trained_on_the_integers_grids(quick: tuple[Config, Path]) -> None:
    """With epochs for it, quantizing trains; what is written says so and is another model."""
    settings, build = quick
    shutil.copy(build / "model.keras", build / "compressed.keras")
    written = {}
    for epochs in (0, 1):
        enhance = msgspec.structs.replace(settings.enhance, quantization_epochs=epochs)
        recipe.quantize(msgspec.structs.replace(settings, enhance=enhance), build)
        written[_read(build / "quantize.json")["method"].split(",")[0]] = (
            build / "model.tflite"
        ).read_bytes()
    assert set(written) == {"post-training", "trained for 1 epochs"}
    assert len(set(written.values())) == 2
    assert not list(build.glob(".checkpoint*"))


def test_a_technique_of_classifiers_is_refused(trained: tuple[Config, Path]) -> None:
    """With what there is."""
    settings, build = trained
    pruned = config.Compress(technique="prune_channels")
    with pytest.raises(ConfigError, match="not for enhancers"):
        recipe.compress(msgspec.structs.replace(settings, compress=pruned), BOARD, build)
