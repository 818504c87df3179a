"""ESPHome's wake word models: taken in, run, given out; what is wrong is named."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import listening_model
import numpy as np
import pytest
import wake_word_model

from tinykit import board as boards
from tinykit import project as projects
from tinykit.audio import frontend, wav
from tinykit.audio.decision import Decision
from tinykit.audio.spec import FeatureSpec
from tinykit.cli import run as cli
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import with_metadata
from tinykit.errors import DataError, ModelError
from tinykit.interop import esphome
from tinykit.pipeline import listening


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes over SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """A project of the model."""
    manifest = wake_word_model.write(tmp_path / "in")
    folder = tmp_path / "lumen"
    assert cli.run(["import", str(manifest), str(folder)]) == 0
    return folder


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": "macro"}, "$.type"),
        ({"version": 1}, "version is 1"),
        ({"version": None}, "version is None"),
        ({"wake_word": None}, "`wake_word`"),
        ({"wake_word": ""}, "$.wake_word"),
        ({"author": 3}, "$.author"),
        ({"trained_languages": []}, "$.trained_languages"),
        ({"colour": "red"}, "`colour`"),
        ({"micro.probability_cutoff": 1.5}, "$.micro.probability_cutoff"),
        ({"micro.probability_cutoff": None}, "`probability_cutoff`"),
        ({"micro.feature_step_size": 0}, "$.micro.feature_step_size"),
        ({"micro.sliding_window_size": 0}, "$.micro.sliding_window_size"),
        ({"micro.sliding_window_size": 2.5}, "$.micro.sliding_window_size"),
        ({"micro.tensor_arena_size": -1}, "$.micro.tensor_arena_size"),
        ({"micro.minimum_esphome_version": "2024.7"}, "$.micro.minimum_esphome_version"),
        ({"micro.extra": 1}, "`extra`"),
        ({"model": "other.tflite"}, "other.tflite"),
    ],
)
def test_wrong_fields_are_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """A DataError with the field and a hint."""
    with pytest.raises(DataError) as caught:
        esphome.read(wake_word_model.write(tmp_path, changes))
    assert said in caught.value.message
    assert caught.value.hint


def test_what_is_no_json_is_an_error(tmp_path: Path) -> None:
    """Neither a missing file nor another format is a traceback."""
    path = tmp_path / "x.json"
    with pytest.raises(DataError, match="No such file"):
        esphome.read(path)
    path.write_text("type: micro")
    with pytest.raises(DataError, match="malformed"):
        esphome.read(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"output": np.int8}, "its output is int8"),
        ({"channels": 20}, "its input is int8 (1, 3, 20)"),
        ({"scale": 0.2}, "the scale of its input"),
        ({"state": False}, "keeps no state"),
    ],
)
def test_models_that_esphome_cannot_run_are_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    """A ModelError says what is wrong."""
    path = wake_word_model.write(tmp_path, model=wake_word_model.tflite(**change))
    with pytest.raises(ModelError) as caught:
        esphome.read(path)
    assert said in caught.value.message


def test_a_window_model_is_no_esphome_model() -> None:
    """Ours takes the whole window, and has several classes."""
    with pytest.raises(ModelError, match="keeps no state"):
        esphome.check(read_tflite(listening_model.tflite()), "window")


def test_metadata_changes_nothing_else() -> None:
    """The same graph and the same bytes from the golden interpreter; a second time replaces it."""
    before = wake_word_model.tflite()
    after = with_metadata(with_metadata(before, {"a": b"1", "b": b"2"}), {"a": b"3"})
    graph = read_tflite(after)
    assert (graph.metadata["a"], graph.metadata["b"]) == (b"3", b"2")
    rows = np.random.default_rng(0).integers(-128, 128, (6, 1, 3, 40)).astype(np.int8)
    with Golden(before) as one, Golden(after) as other:
        for row in rows:
            np.testing.assert_array_equal(one.run([row])[0], other.run([row])[0])
    board = boards.find("mps2-an386").processor
    assert compile_model(after, board).macs == compile_model(before, board).macs


@pytest.mark.parametrize("percent", range(0, 101, 7))
def test_cutoff_decides_as_esphome_does(percent: int) -> None:
    """Taken in and given out, a cutoff is the same number of 255ths."""
    micro = esphome.Micro(
        probability_cutoff=percent / 100,
        feature_step_size=10,
        sliding_window_size=5,
        tensor_arena_size=1,
    )
    manifest = esphome.Manifest(
        wake_word="x", author="y", model="z", trained_languages=["en"], micro=micro
    )
    decision = esphome.decision(manifest)
    assert int(esphome.cutoff(decision) * 255) == int(micro.probability_cutoff * 255)
    assert esphome.cutoff(decision, micro.probability_cutoff) == micro.probability_cutoff


def test_imported_project_decides_as_the_manifest_says(imported: Path) -> None:
    """Cutoff 0.6 is 153 of 255: the sum of five outputs must be more than 765."""
    assert cli.run(["compile", "-C", str(imported)]) == 0
    twin = listening.Twin(projects.load(imported))
    how = twin.listener
    assert (how.labels, how.average, how.threshold) == (("Hey Lumen",), 5, 766)
    assert (how.window_rows, how.step_rows, how.warm_up_rows) == (0, 3, 100)
    assert (how.unsigned, how.zero_point) == (True, 0)
    assert twin.spec == FeatureSpec(kind="micro")


@pytest.mark.host
def test_outputs_are_the_golden_interpreters(imported: Path) -> None:
    """Row by row with its own state: as tflite-micro gives them."""
    assert cli.run(["compile", "-C", str(imported)]) == 0
    twin = listening.Twin(projects.load(imported))
    audio = listening_model.audio(2.0)
    rows = frontend.stream(audio, twin.spec)
    with Golden(wake_word_model.tflite()) as golden:
        expected = [
            golden.run([rows[at : at + 3][None]])[0].reshape(-1)
            for at in range(0, len(rows) - 2, 3)
        ]
    np.testing.assert_array_equal(twin.outputs(twin.rows(audio)), np.stack(expected))


@pytest.mark.emulator
def test_imported_model_runs_and_decides_as_its_twin(
    imported: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """From manifest to device: every detection in the emulator is the twin's."""
    text = (imported / "tinykit.toml").read_text().splitlines()
    # random weights: some threshold near the middle is crossed
    changed = [line if "threshold" not in line else "threshold = 0.45" for line in text]
    (imported / "tinykit.toml").write_text("\n".join(changed) + "\n")
    sound, labels = tmp_path / "long.wav", tmp_path / "long.csv"
    wav.write(sound, listening_model.audio(4.0), 16000)
    labels.write_text("start_s,end_s,label\n1.0,2.0,Hey Lumen\n")
    words = ["evaluate", "--stream", str(sound), "--labels", str(labels), "-C", str(imported)]
    capfd.readouterr()
    assert cli.run([*words, "--device", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["device"]["exact"] and document["device"]["detections"] >= 1


def test_export_gives_the_manifest_back(imported: Path, tmp_path: Path) -> None:
    """Nothing was changed: the same fields; and the model can be imported again."""
    assert cli.run(["compile", "-C", str(imported)]) == 0
    out = tmp_path / "out"
    assert cli.run(["export", str(out), "-C", str(imported)]) == 0
    expected = wake_word_model.MANIFEST | {"model": "hey_lumen.tflite"}
    assert json.loads((out / "hey_lumen.json").read_text()) == expected
    manifest, _ = esphome.read(out / "hey_lumen.json")
    assert esphome.decision(manifest) == projects.load(imported).config.decision


def test_fitted_decision_is_exported(imported: Path, tmp_path: Path) -> None:
    """The manifest has what the device decides by."""
    assert cli.run(["compile", "-C", str(imported)]) == 0
    decision = {"average": 8, "threshold": 0.5, "refractory_ms": 500}
    (imported / "build" / "decision.json").write_text(json.dumps({"decision": decision}))
    assert cli.run(["export", str(tmp_path / "out"), "-C", str(imported), "--author", "me"]) == 0
    found = json.loads((tmp_path / "out" / "hey_lumen.json").read_text())
    assert found["author"] == "me"
    assert found["micro"]["sliding_window_size"] == 8
    assert int(found["micro"]["probability_cutoff"] * 255) == 128


def test_export_of_a_model_with_several_words_is_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 and the reason."""
    folder = listening_model.project(tmp_path / "listen")
    assert cli.run(["compile", "-C", str(folder)]) == 0
    assert cli.run(["export", str(tmp_path / "out"), "-C", str(folder)]) == 1
    assert "one wake word" in capfd.readouterr().err


def test_export_says_what_a_manifest_needs(
    imported: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without the imported manifest, author and language must be given; memory is measured."""
    assert cli.run(["compile", "-C", str(imported)]) == 0
    (imported / "manifest.json").unlink()
    assert cli.run(["export", str(tmp_path / "out"), "-C", str(imported)]) == 2
    assert "--author NAME --language en" in capfd.readouterr().err
    words = ["--author", "me", "--language", "en"]
    assert cli.run(["export", str(tmp_path / "out"), "-C", str(imported), *words]) == 0
    found = json.loads((tmp_path / "out" / "hey_lumen.json").read_text())
    assert 2_000 < found["micro"]["tensor_arena_size"] < 200_000


def test_threshold_between_steps_becomes_the_lower() -> None:
    """0.5 + half a step is exported as 128 of 255."""
    assert int(esphome.cutoff(Decision(threshold=128.5 / 256)) * 255) == 128
