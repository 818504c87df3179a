"""Streams with phases on the cores, and on the whole road of an emulated board."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from firmware import Case, run
from time_models import expected, hops_of
from time_network import TimeNetwork
from unseen import Unseen

from tinykit import board as boards
from tinykit.board import CORES
from tinykit.compiler import compile_model, reference
from tinykit.compiler.golden import Golden
from tinykit.compiler.periods import periods
from tinykit.compiler.streaming import Stream
from tinykit.config import Compile, Config
from tinykit.config import Project as ProjectTable
from tinykit.device.replies import OpTrace
from tinykit.device.vectors import Vectors
from tinykit.pipeline import files, hops
from tinykit.pipeline.profile import profile
from tinykit.project import Project


def network() -> bytes:
    """Return a window model with two strides in time; its 22 rows are no whole periods."""
    net = TimeNetwork((1, 22, 3, 4)).conv(8, (3, 3), (2, 1)).depthwise((3, 1)).conv(12, (2, 1))
    return net.pool("AVERAGE_POOL_2D", (2, 1), (2, 1)).dense(5).softmax().build()


def project(folder: Path, phases: bool) -> Project:
    """Return a project around the model, compiled as a stream."""
    table = ProjectTable(name="phases", task="keyword-spotting", board="mps2-an386")
    config = Config(project=table, compile=Compile(stream=True, phases=phases))
    found = Project(folder, config, boards.find("mps2-an386"))
    found.build.mkdir()
    found.path(files.TFLITE).write_bytes(network())
    return found


@pytest.mark.emulator
@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4f", "cortex-m55"])
def test_phases_are_exact_on_every_kind_of_core(core: str, tmp_path: Path) -> None:
    """Portable, DSP and Helium kernels; the arena held noise before, the last call costs most."""
    data = network()
    model = compile_model(data, CORES[core], stream=True, phases=True)
    assert model.stream is not None
    rows = hops_of(model.stream, 30)
    with Golden(data) as golden:
        should = expected(golden, data, model.stream, rows)
    ran = run({"phases": Case(model, [rows], keep_state=True)}, tmp_path)["phases"]
    for (given,), value in zip(ran.outputs, should, strict=True):
        np.testing.assert_array_equal(given, value)
    one, two, three, four = ran.instructions[4:8]
    assert one == three < two < four


@pytest.mark.parametrize(("phases", "count"), [(False, 16), (True, 64)])
def test_vectors_are_whole_hops_and_periods(phases: bool, count: int, tmp_path: Path) -> None:
    """Three windows of 22 rows make 16 hops of four rows, or 16 periods of four calls of one."""
    windows = np.zeros((3, 22, 3, 4), np.int8)
    found = hops.vectors(project(tmp_path, phases), Vectors(x=windows, y=np.zeros((3, 5), np.int8)))
    assert len(found.x) == len(found.y) == count
    assert found.x.shape[1:] == ((1, 1, 3, 4) if phases else (1, 4, 3, 4))


@pytest.mark.slow
@pytest.mark.emulator
def test_profile_shows_the_costliest_call(tmp_path: Path) -> None:
    """The road to a board and back: every byte, every op's cost, most and mean of a period."""
    path = tmp_path / "phases.tflite"
    path.write_bytes(network())
    settings = Compile(stream=True, phases=True)
    found = profile(path, "mps2-an386", "", settings, Unseen())
    assert found["exact"]
    assert found["phases"]["period"] == 4
    assert {op["kind"] for op in found["ops"]} >= {"conv2d", "fully_connected", "softmax"}
    assert sum(op["cost"] for op in found["ops"]) == pytest.approx(found["total"], rel=0.3)
    assert found["mean"] < found["total"]


class Trace:
    """A device that computes as numpy does, but for one byte of one op."""

    def __init__(self, stream: Stream, wrong: int) -> None:
        self.graph, self.wrong = stream.graph, wrong
        self.states: dict[int, np.ndarray] | None = None
        self.call = 0

    def hello(self) -> None:
        self.states, self.call = None, 0

    def infer(self, inputs: list[np.ndarray]) -> dict[int, np.ndarray]:
        self.call += 1
        _, tensors = reference.run(self.graph, inputs, self.states, self.call)
        self.states = reference.next_states(self.graph, tensors)
        return tensors

    def trace(self, inputs: list[np.ndarray], ops: int) -> list[OpTrace]:
        tensors, found = self.infer(inputs), []
        for op, every in zip(self.graph.ops, periods(self.graph), strict=True):
            if self.call % every == 0:
                given = tensors[op.outputs[0]].tobytes()
                crc = zlib.crc32(given) ^ (op.index == self.wrong)
                found.append(OpTrace(op.index, len(given), crc, 0, 0))
        assert len(found) == ops, "the device has no record of more"
        return found


@pytest.mark.parametrize(("call", "named"), [(3, "stream_push"), (4, "conv2d")])
def test_the_first_diverging_op_is_one_whose_turn_it_is(
    call: int, named: str, tmp_path: Path
) -> None:
    """The calls before are run again, and what had nothing to do at this one is not missed."""
    made = project(tmp_path, phases=True)
    stream = hops.compiled_stream(made)
    rows = hops_of(stream, 4)
    wrong = next(op.index for op in stream.graph.ops if op.kind == named)
    found = hops.divergence(made, Trace(stream, wrong), rows, call - 1)
    assert found == f"{named}, op {wrong} at hop {call - 1}"
    right = hops.divergence(made, Trace(stream, -1), rows, call - 1)
    assert right.startswith("none in the trace build")
