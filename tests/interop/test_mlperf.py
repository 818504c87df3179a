"""Data as MLPerf Tiny has it: raw inputs with a table of classes, windows of a wake word."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_model

from tinykit import scaffold
from tinykit.cli import run as cli
from tinykit.compiler.golden import Golden
from tinykit.errors import DataError
from tinykit.evaluate import events
from tinykit.evaluate.events import Event
from tinykit.interop import mlperf

INT8 = np.dtype(np.int8)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes over SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def _write(folder: Path, x: np.ndarray, labels: np.ndarray, classes: int) -> Path:
    """Write inputs as the runner's folder has them; return the table."""
    folder.mkdir()
    rows = []
    for index, (values, label) in enumerate(zip(x, labels, strict=True)):
        name = f"tst_{index:06d}_Word_{label}.bin"
        (folder / name).write_bytes(values.tobytes())
        rows.append(f"{name},{classes},{label}\n")
    table = folder / "y_labels.csv"
    table.write_text("".join(rows))
    return table


def test_inputs_and_classes_are_read(tmp_path: Path) -> None:
    """kws01's shape: 490 int8 a file, twelve classes, in the order of the table."""
    x = np.random.default_rng(0).integers(-128, 128, (5, 49, 10)).astype(np.int8)
    labels = np.array([7, 0, 11, 3, 3])
    found = mlperf.read(_write(tmp_path / "kws01", x, labels, 12), (49, 10, 1), INT8)
    np.testing.assert_array_equal(found.x[..., 0], x)
    np.testing.assert_array_equal(found.labels, labels)
    assert (found.classes, found.x.shape) == (12, (5, 49, 10, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no rows"),
        ("a.bin,12\n", "line 1: 'a.bin,12'"),
        ("a.bin,12,12\n", "class 12 of 12"),
        ("a.bin,12,1\na.bin,10,1\n", "line 2: class 1 of 10"),
        ("b.bin,12,1\n", "No such file"),
        ("a.bin,12,x\n", "line 1"),
    ],
)
def test_wrong_tables_are_named(tmp_path: Path, text: str, said: str) -> None:
    """The line, and what is wrong with it."""
    (tmp_path / "a.bin").write_bytes(bytes(4))
    (tmp_path / "y_labels.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        mlperf.read(tmp_path / "y_labels.csv", (4,), INT8)


def test_inputs_of_another_size_are_an_error(tmp_path: Path) -> None:
    """Both sizes are said."""
    (tmp_path / "a.bin").write_bytes(bytes(4))
    (tmp_path / "y_labels.csv").write_text("a.bin,12,1\n")
    with pytest.raises(DataError, match="has 4 B, the model's input 490 B"):
        mlperf.read(tmp_path / "y_labels.csv", (490,), INT8)


@pytest.mark.emulator
def test_inputs_run_on_the_device(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`tinykit test --inputs y_labels.csv`: outputs kept, accuracy told, every byte compared."""
    folder = scaffold.create(tmp_path / "lights", "keyword-spotting", "mps2-an386")
    (folder / "build").mkdir()
    (folder / "build" / "model.tflite").write_bytes(small_model.build())
    x = np.random.default_rng(1).integers(-128, 128, (6, small_model.INPUTS)).astype(np.int8)
    with Golden(small_model.build()) as golden:
        expected = golden.run_many([x[:, None]])[0].reshape(6, -1)
    labels = expected.argmax(axis=1)
    labels[0] = (labels[0] + 1) % expected.shape[1]  # one that the model gets wrong
    table = _write(tmp_path / "set", x, labels, expected.shape[1])
    capfd.readouterr()
    words = ["test", "-C", str(folder), "--inputs", str(table)]
    assert cli.run([*words, "--outputs", str(tmp_path / "y.npy"), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["rows"], found["exact"]) == (6, True)
    assert found["accuracy"] == found["host_accuracy"] == pytest.approx(5 / 6)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy").reshape(6, -1), expected)


def test_windows_of_a_wake_word(tmp_path: Path) -> None:
    """A list of times, as sww01's long recording has it, is events of the one word."""
    path = tmp_path / "long_wav_ww_windows.json"
    path.write_text("[[20.0, 20.762],\n [16.25, 16.876]]\n")
    said = events.read(path, "marvin")
    assert said == [Event(16.25, 16.876, "marvin"), Event(20.0, 20.762, "marvin")]
    with pytest.raises(DataError, match="which it is"):
        events.read(path)
    path.write_text("[[2.0, 1.0]]")
    with pytest.raises(DataError, match="from 2 s to 1 s"):
        events.read(path, "marvin")
