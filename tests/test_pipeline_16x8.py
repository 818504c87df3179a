"""A 16x8 model on the road: tensors of int16 go to the emulated device and come back."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tinykit import scaffold
from tinykit.cli import run as cli
from tinykit.compiler.golden import Golden

pytestmark = pytest.mark.emulator

MODEL = Path(__file__).parent / "compiler" / "models_16x8" / "dense.tflite"


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes over SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_tensors_of_int16(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`test --inputs` sends them, `--outputs` keeps the interpreter's answers, as int16."""
    folder = scaffold.create(tmp_path / "wide", "keyword-spotting", "mps2-an386")
    assert cli.run(["compile", str(MODEL), "-C", str(folder)]) == 0
    header = (folder / "build/c/model/tk_model.h").read_text()
    assert "Input 0: int16 [1,40]" in header and "(int16_t *)(void *)tk_model_input(0)" in header
    x = np.random.default_rng(5).integers(-32768, 32768, (3, 40)).astype(np.int16)
    np.save(tmp_path / "x.npy", x)
    words = ["test", "--inputs", str(tmp_path / "x.npy"), "--outputs", str(tmp_path / "y.npy")]
    capfd.readouterr()
    assert cli.run([*words, "-C", str(folder), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["rows"] == 3
    with Golden(MODEL.read_bytes()) as golden:
        expected = golden.run_many([x[:, None]])[0][:, 0]
    given = np.load(tmp_path / "y.npy")
    assert given.dtype == np.int16
    assert np.array_equal(given, expected)
