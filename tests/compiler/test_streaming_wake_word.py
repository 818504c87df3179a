"""The public streaming wake word as a stream: a hop instead of the whole window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinykit import board as boards
from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.compiler.streaming import sliding_windows
from tinykit.config import Compile, Config
from tinykit.config import Project as ProjectTable
from tinykit.pipeline import building, files
from tinykit.pipeline.engine import Engine, Observer
from tinykit.pipeline.stage import Stage
from tinykit.pipeline.stages import STAGES
from tinykit.progress import Progress, silent
from tinykit.project import Project

pytestmark = pytest.mark.public_models

MACS = 46_040  # counted from the shapes in the file: one row of every layer
HISTORY = 2 * 40 + (4 + 9 + 14) * 128  # bytes of the rows before the newest one
NEWEST = 40 + 3 * 128


@pytest.fixture
def model(shared_models: Path) -> Path:
    """The .tflite: a window of 30 rows of 40 features."""
    return shared_models / "str_ww.tflite"


def test_cost(model: Path) -> None:
    """An eighteenth of the window model's work; RAM little more than what has to be remembered."""
    compiled = compile_model(model.read_bytes(), CORES["cortex-m4f"], stream=True)
    assert compiled.macs == MACS
    assert compiled.plan.state_bytes == HISTORY + NEWEST
    assert compiled.plan.total_bytes <= 516


class Quiet(Observer):
    """An observer that lets the stages work."""

    def started(self, stage: Stage, why: str) -> Progress:
        """Keep nothing."""
        return silent


def rows() -> np.ndarray:
    """Return 120 rows, four windows, whose level changes now and then: that moves the scores."""
    rng = np.random.default_rng(3)
    level = np.repeat(rng.uniform(-110, 110, (24, 1)), 5, axis=0)
    noise = np.clip(rng.normal(level, 30, (120, 40)), -128, 127)
    return noise.astype(np.int8).reshape(120, 1, 1, 1, 40)


@pytest.mark.host
def test_a_hundred_hops_under_sanitizers(model: Path) -> None:
    """Every output equals the golden window model's over zero points and the rows so far."""
    data = model.read_bytes()
    compiled = compile_model(data, CORES["cortex-m3"], stream=True)
    stream = compiled.stream
    assert stream is not None
    hops = rows()[:100]
    windows = np.stack([window for (window,) in sliding_windows(stream, [hops])])
    np.testing.assert_array_equal(windows[99, 0], hops[70:, 0, 0])
    with Golden(data) as golden, HostModel(compiled, sanitize=True) as host:
        (should,) = golden.run_many([windows])
        for hop, value in zip(hops[:-1], should[:-1], strict=True):
            np.testing.assert_array_equal(host.run([hop])[0], value)
        trace = iter(host.trace([hops[-1]]))
        tensors = golden.tensors([windows[-1]])
        for op in compiled.graph.ops:
            index, data_out = next(trace)
            (key,) = op.outputs
            if key in tensors:  # the rest is what the stream keeps
                assert data_out == stream.newest(key, tensors[key]).tobytes(), op
            assert index == op.index
    assert len(np.unique(should, axis=0)) > 10  # scores move: equality says much


@pytest.mark.emulator
def test_on_the_emulated_board(model: Path, tmp_path: Path) -> None:
    """The whole road: four windows, hop by hop, on a Cortex-M4F; no byte differs."""
    table = ProjectTable(name="stream", task="keyword-spotting", board="mps2-an386")
    config = Config(project=table, compile=Compile(stream=True))
    project = Project(tmp_path, config, boards.find("mps2-an386"))
    project.build.mkdir()
    project.path(files.TFLITE).write_bytes(model.read_bytes())
    windows = rows().reshape(4, 30, 1, 40)
    with Golden(model.read_bytes()) as golden:
        y = golden.run_many([windows[:, None]])[0].reshape(4, -1)
    np.savez(project.path(files.VECTORS), x=windows, y=y)
    with building.ended_afterwards(project):
        Engine(STAGES, project, Quiet()).update("test")
    plan = files.read_json(project.path(files.PLAN))
    device = files.read_json(project.path(files.DEVICE))
    assert (plan["macs"], plan["hop_rows"]) == (MACS, 1)
    assert device["exact"]
    assert device["inputs_tested"] == 120
    assert device["instructions"] < 70_000  # 67,500 with gcc 12.2; the window model: 950,000
    assert set(device["op_costs"]) > {"0", "10"}
