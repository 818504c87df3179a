"""The road with a model of the user's own: compile, build, flash, test, report, in the emulator."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_model

from tinykit import scaffold
from tinykit.cli import run as cli
from tinykit.compiler.golden import Golden
from tinykit.report.figures import FLASH, RAM

pytestmark = pytest.mark.emulator

BENCH_KEYS = {
    *("model", "sha256", "board", "exact", "inputs_tested", "macs", "instructions"),
    *(
        f"{part}_bytes"
        for part in ("arena", "state", "scratch", "stack", "static", "code", "const")
    ),
}


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes over SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose own model went all the way once."""
    folder = scaffold.create(
        tmp_path_factory.mktemp("road") / "lights", "keyword-spotting", "mps2-an386"
    )
    (folder / "mine.tflite").write_bytes(small_model.build())
    assert cli.run(["compile", str(folder / "mine.tflite"), "-C", str(folder)]) == 0
    assert cli.run(["run", "-C", str(folder)]) == 0
    return folder


@pytest.fixture
def ask(tested: Path, capfd: pytest.CaptureFixture[str]):
    """Run a command in the project; return its exit code and its document."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        capfd.readouterr()
        code = cli.run([*words, "-C", str(tested), "--json"])
        return code, json.loads(capfd.readouterr().out)

    return run


def test_the_device_gives_every_byte(tested: Path) -> None:
    """Random inputs, since the model came without any, all equal; costs measured."""
    device = json.loads((tested / "build/device.json").read_text())
    assert (device["exact"], device["inputs_tested"], device["mismatches"]) == (True, 20, 0)
    assert device["vectors_from"] == "random inputs"
    assert device["instructions"] > 100
    assert device["stack_bytes"] > 0


def test_the_costs_of_the_ops_add_up(tested: Path) -> None:
    """What the trace build measures op by op is about what the release build takes in all."""
    device = json.loads((tested / "build/device.json").read_text())
    parts = list(device["op_costs"].values())
    assert len(parts) == 2
    assert sum(parts) == pytest.approx(device["instructions"], rel=0.3)


def test_the_report_is_there(tested: Path) -> None:
    """HTML, Markdown and JSON, with the figures of the device."""
    found = json.loads((tested / "build/report.json").read_text())
    assert found["exact"] is True
    assert sum(found["memory"]["ram"].values()) == found["figures"]["ram_bytes"]["value"]
    assert (tested / "build/report.html").stat().st_size > 5000


def test_a_second_run_does_nothing(ask) -> None:
    """Nothing changed: no stage runs, and no emulator is left behind."""
    code, document = ask("run")
    assert (code, document["ran"]) == (0, {})
    assert ask("stop") == (0, {"stopped": False})


def test_tensors_of_the_users_own(tested: Path, tmp_path: Path, ask) -> None:
    """`test --inputs --outputs` keeps what the device gave, as the model's output type."""
    x = np.random.default_rng(5).integers(-128, 128, (3, small_model.INPUTS)).astype(np.int8)
    np.save(tmp_path / "x.npy", x)
    code, document = ask(
        "test", "--inputs", str(tmp_path / "x.npy"), "--outputs", str(tmp_path / "y.npy")
    )
    assert (code, document["rows"]) == (0, 3)
    with Golden((tested / "build/model.tflite").read_bytes()) as golden:
        expected = golden.run_many([x[:, None]])[0][:, 0]
    given = np.load(tmp_path / "y.npy")
    assert given.dtype == np.int8
    assert np.array_equal(given, expected)


@pytest.mark.parametrize("content", [b"", b"no numpy file", None])
def test_tensors_that_cannot_be_read(content: bytes | None, tmp_path: Path, ask) -> None:
    """A missing, empty or other file is an error that names it."""
    if content is not None:
        (tmp_path / "x.npy").write_bytes(content)
    code, document = ask("test", "--inputs", str(tmp_path / "x.npy"), "--outputs", "y.npy")
    assert code == 1
    assert "x.npy" in document["error"]


def test_tensors_of_the_wrong_size(tmp_path: Path, ask) -> None:
    """Rows that do not fit the model's input are refused before anything is sent."""
    np.save(tmp_path / "x.npy", np.zeros((2, 7), np.int8))
    code, document = ask("test", "--inputs", str(tmp_path / "x.npy"), "--outputs", "y.npy")
    assert code == 1
    assert "16" in document["error"]


def test_tensors_of_another_type(tmp_path: Path, ask) -> None:
    """As many bytes, but of int16: refused with both types."""
    np.save(tmp_path / "x.npy", np.zeros((2, small_model.INPUTS // 2), np.int16))
    code, document = ask("test", "--inputs", str(tmp_path / "x.npy"), "--outputs", "y.npy")
    assert code == 1
    assert "is int16" in document["error"] and "is int8" in document["error"]


def test_flash_leaves_the_emulator_running_until_stop(tested: Path, ask) -> None:
    """The device lives on after `flash`; a `test` uses it and leaves it; `stop` ends it."""
    assert ask("flash")[0] == 0
    first = json.loads((tested / "build/run.json").read_text())
    assert first["port"].startswith("socket://127.0.0.1:")
    code, document = ask("test")
    assert (code, document["exact"]) == (0, True)
    assert ask("stop") == (0, {"stopped": True})
    assert ask("stop") == (0, {"stopped": False})


def test_a_device_that_computes_something_else(tested: Path, ask) -> None:
    """One changed weight in the C: exit 1, how many inputs, and the first op that differs."""
    header = tested / "build/c/model/tk_model_weights.h"
    good = header.read_text()
    first = re.search(r"w00_\w+\[\d+\][^{]*\{\s*(\w+)", good)  # of the fully connected layer
    assert first
    wrong = good[: first.start(1)] + str(int(first[1], 0) ^ 0x404040) + good[first.end(1) :]
    header.write_text(wrong)
    try:
        code, document = ask("test")
        assert code == 1
        assert "inputs differ" in document["error"]
        device = json.loads((tested / "build/device.json").read_text())
        assert device["exact"] is False
        assert device["first_diverging_op"].startswith("fully_connected, op ")
        assert "first diverging op: fully_connected" in document["error"]
    finally:
        header.write_text(good)
        assert ask("test")[0] == 0


def test_over_budget_is_a_failed_command(tested: Path, ask) -> None:
    """By how much, where, and what to try; the plan is there to look at."""
    settings = tested / "tinykit.toml"
    good = settings.read_text()
    settings.write_text(good.replace("flash_kib = 40.0", "flash_kib = 0.1"))
    try:
        code, document = ask("run")
        assert code == 1
        assert "over budget: flash" in document["error"]
        assert "B over budget: 102 B" in document["error"]
        assert "constants" in document["error"]
        assert 'optimize = "size"' in document["hint"]
    finally:
        settings.write_text(good)
        assert ask("run")[0] == 0


def test_bench_measures_one_model(
    tested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """Every promised key; RAM and flash are sums of parts; no file is left behind."""
    monkeypatch.chdir(tmp_path)
    assert cli.run(["bench", str(tested / "mine.tflite"), "--inputs", "3", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert set(document) >= BENCH_KEYS
    assert (document["exact"], document["inputs_tested"]) == (True, 3)
    assert set(RAM.values()) | set(FLASH.values()) <= set(document)
    assert "harness" in document["excluded"]
    assert list(tmp_path.iterdir()) == []


def test_compile_into_a_folder(tested: Path, tmp_path: Path, capfd: Any) -> None:
    """`compile MODEL -o DIR` needs no project; --dump-ir shows the model after every pass."""
    out = tmp_path / "out"
    words = ["compile", str(tested / "mine.tflite"), "-b", "mps2-an386", "-o", str(out)]
    assert cli.run([*words, "--dump-ir", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["ir"][0].startswith("== reader")
    assert len(document["ir"]) > 3
    assert (out / "model/tk_model.c").is_file()
    assert json.loads((out / "plan.json").read_text())["macs"] == 64


@pytest.mark.parametrize("damage", [b"", b"TFL3 and nothing more", None])
def test_compile_a_file_that_is_no_model(damage: bytes | None, tmp_path: Path, capfd: Any) -> None:
    """Empty, foreign or cut off: one message, exit 1, no output."""
    model = tmp_path / "bad.tflite"
    model.write_bytes(small_model.build()[:400] if damage is None else damage)
    out = tmp_path / "out"
    assert cli.run(["compile", str(model), "-b", "mps2-an386", "-o", str(out), "--json"]) == 1
    assert json.loads(capfd.readouterr().out)["error"]
    assert not out.exists()
