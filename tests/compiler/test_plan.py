"""Memory plans of graphs: lifetimes, sharing, states, and what the JSON says of them."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import single_op

from tinykit.board import CORES
from tinykit.compiler import CompiledModel, compile_model
from tinykit.compiler.ir import Graph, Op, Quantization, Tensor
from tinykit.compiler.lower import Target
from tinykit.compiler.plan import Plan, plan, schedule
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter

TARGET = Target(CORES["cortex-m3"])
INT8 = np.dtype(np.int8)
QUANT = Quantization(np.array([0.05], np.float32), np.array([0], np.int64))


def _chain(count: int) -> bytes:
    """Return a model of `count` ReLUs, one after the other."""
    writer = TfliteWriter()
    keys = [writer.tensor(f"t{i}", (1, 100), np.int8, scale=0.05) for i in range(count + 1)]
    for source, result in itertools.pairwise(keys):
        writer.op("RELU", [source], [result])
    return writer.build([keys[0]], [keys[-1]])


def _residual() -> bytes:
    """Return `add(relu(x), x)`: x is needed after the ReLU."""
    writer = TfliteWriter()
    x, y, z = (writer.tensor(name, (1, 100), np.int8, scale=0.05) for name in "xyz")
    writer.op("RELU", [x], [y])
    writer.op("ADD", [y, x], [z], "AddOptions")
    return writer.build([x], [z])


def _plan(data: bytes) -> Plan:
    """Plan a model as it was read: passes would fuse ops away."""
    graph = read_tflite(data)
    return plan(graph, schedule(graph, TARGET))


def test_elementwise_chain_lives_in_one_buffer() -> None:
    """Input, activations and output of in-place ops are the same bytes."""
    found = _plan(_chain(5))
    assert {span.offset for span in found.spans} == {0}
    assert found.total_bytes == found.lower_bound_bytes == 100


def test_an_input_that_is_needed_later_is_not_overwritten() -> None:
    """The first op may work in place, but its input is read again: it gets bytes of its own."""
    found = _plan(_residual())
    x, y, z = (next(s for s in found.spans if s.name == name) for name in "xyz")
    assert abs(x.offset - y.offset) >= 100
    assert z.offset in (x.offset, y.offset)
    assert found.total_bytes == 200


def test_all_model_inputs_are_alive_from_the_start() -> None:
    """The caller writes every input before the first op runs."""
    writer = TfliteWriter()
    a, b, c, d, e = (writer.tensor(name, (1, 64), np.int8, scale=0.05) for name in "abcde")
    writer.op("RELU", [a], [c])
    writer.op("RELU", [c], [d])
    writer.op("ADD", [d, b], [e], "AddOptions")
    found = _plan(writer.build([a, b], [e]))
    spans = {span.name: span for span in found.spans}
    assert spans["a"].first == spans["b"].first == -1
    assert abs(spans["a"].offset - spans["b"].offset) >= 64


def test_outputs_survive_until_the_end() -> None:
    """An early output is not reused by later ops."""
    writer = TfliteWriter()
    a, b, c, d = (writer.tensor(name, (1, 64), np.int8, scale=0.05) for name in "abcd")
    writer.op("RELU", [a], [b])
    writer.op("RELU", [b], [c])
    writer.op("RELU", [c], [d])
    found = _plan(writer.build([a], [b, d]))
    spans = {span.name: span for span in found.spans}
    assert spans["b"].last == 3
    assert abs(spans["b"].offset - spans["d"].offset) >= 64
    assert abs(spans["b"].offset - spans["c"].offset) >= 64


def test_views_are_the_bytes_of_their_source() -> None:
    """A reshape has no memory and no code."""
    compiled = compile_model(_reshaped(), CORES["cortex-m3"])
    (step,) = compiled.plan.steps
    assert step.lowering.view
    (source,), (result,) = step.op.inputs, step.op.outputs
    assert source is not None
    assert compiled.plan.places[source] == compiled.plan.places[result]


def _reshaped() -> bytes:
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 6), np.int8, scale=0.05)
    y = writer.tensor("y", (1, 2, 3), np.int8, scale=0.05)
    shape = writer.constant("shape", np.array([1, 2, 3], np.int32))
    writer.op("RESHAPE", [x, shape], [y])
    return writer.build([x], [y])


def _with_states() -> Graph:
    """Return a graph that adds two states to its input."""
    tensor = Tensor("x", (1, 30), INT8, QUANT)
    names = ("x", "first_state", "second_state", "y", "z")
    tensors = {i: dataclasses.replace(tensor, name=name) for i, name in enumerate(names)}
    tensors[1] = dataclasses.replace(tensors[1], state=True)
    tensors[2] = dataclasses.replace(tensors[2], state=True)
    attrs = read_tflite(_residual()).ops[1].attrs
    adds = [Op("add", (0, 1), (3,), attrs, 0), Op("add", (3, 2), (4,), attrs, 1)]
    return Graph(tensors, adds, [0], [4])


def test_states_lie_apart_and_never_overlap() -> None:
    """Each state has bytes of its own, outside the arena, aligned."""
    graph = _with_states()
    found = plan(graph, schedule(graph, TARGET))
    first, second = found.places[1], found.places[2]
    assert {first.memory, second.memory} == {"state"}
    assert abs(first.offset - second.offset) >= 30
    assert first.offset % 4 == second.offset % 4 == 0
    assert found.state_bytes == 64
    assert all(1 not in span.tensors and 2 not in span.tensors for span in found.spans)


def test_states_are_never_written_in_place() -> None:
    """An op may overwrite its dying input, but not a state that it reads."""
    graph = _with_states()
    found = plan(graph, schedule(graph, TARGET))
    assert {found.places[key].memory for key in (0, 3, 4)} == {"arena"}
    assert found.total_bytes == 32


def test_convolution_writes_behind_what_it_reads() -> None:
    """A convolution that grows its tensor has its input in the end of its output."""
    data = single_op.conv2d(image=(1, 20, 4, 2), filters=(8, 3, 3), padding="SAME")
    found = _plan(data)
    image, result = found.spans
    assert 0 < image.offset < result.bytes
    assert found.total_bytes < image.bytes + result.bytes
    assert found.shared_bytes(0) > 0


@pytest.fixture(scope="module")
def kws(request: pytest.FixtureRequest) -> CompiledModel:
    """The MLPerf Tiny keyword spotting model."""
    folder: Path = request.getfixturevalue("shared_models")
    return compile_model((folder / "kws_ref.tflite").read_bytes(), CORES["cortex-m3"])


@pytest.mark.public_models
def test_plan_json_accounts_for_the_model(kws: CompiledModel) -> None:
    """The JSON adds up: MACs per op, spans inside the arena, scratch where an op has some."""
    found = kws.plan_json()
    assert found["macs"] == sum(op["macs"] for op in found["ops"]) == 2_656_768
    assert found["arena_bytes"] + found["scratch_bytes"] == kws.plan.total_bytes
    for tensor in found["tensors"]:
        assert tensor["offset"] + tensor["bytes"] <= found["arena_bytes"]
        assert -1 <= tensor["op_first"] <= tensor["op_last"] <= len(found["ops"])
    for op in found["ops"]:
        assert (op["scratch_offset"] is None) == (op["scratch_bytes"] == 0)
    depthwise = [op for op in found["ops"] if op["kind"] == "depthwise_conv2d"]
    assert len(depthwise) == 4 and all(op["in_place"] for op in depthwise)


@pytest.mark.public_models
def test_live_bytes_never_exceed_the_arena(kws: CompiledModel) -> None:
    """What is in use at each op fits, and at the fullest op nothing is wasted."""
    live = kws.plan.live_bytes()
    assert len(live) == len(kws.plan.steps)
    assert max(live) <= kws.plan.total_bytes
    assert max(live) >= kws.plan.total_bytes - 8  # alignment
