"""Our own window models as the streaming models that ESPHome runs."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import listening_model
import numpy as np
import pytest

from tinykit import board as boards
from tinykit.audio.spec import LABELS_KEY
from tinykit.cli import run as cli
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.streaming.rewrite import streamed_tflite
from tinykit.errors import ModelError
from tinykit.interop import esphome, esphome_stream

CORE = boards.find("mps2-an386").processor
LABELS = ["_other_", "Hey Lumen"]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes over SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def _hops(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(2).integers(-128, 128, (count, *shape)).astype(np.int8)


@pytest.mark.host
def test_streamed_file_is_the_streamed_c(wake_word: bytes) -> None:
    """From the first hop on: tflite-micro on the new file, our C of the old one, our C of both."""
    made = streamed_tflite(wake_word)
    hops = _hops(40, 1, 2, 40, 1)
    outputs = []
    for compiled in (compile_model(wake_word, CORE, stream=True), compile_model(made, CORE)):
        with HostModel(compiled) as model:
            outputs.append(np.stack([model.run([hop])[0] for hop in hops]))
    with Golden(made) as golden:
        outputs.append(golden.run_many([hops])[0])
    assert np.ptp(outputs[0].astype(int)) > 50
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])


def test_probability_is_the_softmaxs(wake_word: bytes) -> None:
    """uint8, within three steps of the word's share in the softmax of two classes, at every hop."""
    made = esphome_stream.streamed(wake_word, LABELS)
    assert esphome.check(read_tflite(made), "made") == 2
    hops = _hops(60, 1, 2, 40)
    with Golden(streamed_tflite(wake_word)) as whole, Golden(made) as golden:
        share = whole.run_many([hops[..., None]])[0].reshape(-1, 2)[:, 1].astype(int) + 128
        found = golden.run_many([hops])[0]
    assert found.dtype == np.uint8 and found.shape == (60, 1, 1)
    assert np.ptp(share) > 50
    assert np.abs(found.reshape(-1) - share).max() <= 3


@pytest.fixture
def wake_word() -> bytes:
    """A window model of one word against all else, with random weights."""
    return listening_model.tflite(LABELS)


def test_export_and_import_again(wake_word: bytes, tmp_path: Path) -> None:
    """A project that streams is exported with measured memory; what comes out can be imported."""
    folder = listening_model.project(tmp_path / "listen", stream=True)
    (folder / "build" / "model.tflite").write_bytes(wake_word)
    assert cli.run(["compile", "-C", str(folder)]) == 0
    words = ["export", str(tmp_path / "out"), "-C", str(folder), "--author", "me"]
    assert cli.run([*words, "--language", "en"]) == 0
    found = json.loads((tmp_path / "out" / "hey_lumen.json").read_text())
    assert found["wake_word"] == "Hey Lumen" and found["micro"]["sliding_window_size"] == 4
    assert 2_000 < found["micro"]["tensor_arena_size"] < 30_000
    assert cli.run(["import", str(tmp_path / "out" / "hey_lumen.json"), str(tmp_path / "in")]) == 0
    again = read_tflite((tmp_path / "in" / "build" / "model.tflite").read_bytes())
    assert json.loads(again.metadata[LABELS_KEY]) == ["Hey Lumen"]


def test_several_words_are_refused() -> None:
    """ESPHome's models know one word."""
    with pytest.raises(ModelError, match="_silence_, go, stop apart"):
        esphome_stream.streamed(listening_model.tflite(), listening_model.LABELS)
