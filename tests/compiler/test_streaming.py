"""Streams: at every hop, exactly what the window model gives; or a reason why that cannot be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import hypothesis
import numpy as np
import pytest
from time_models import (
    agree,
    expected,
    hops_of,
    in_numpy,
    maybe_streamed,
    networks,
    streamed,
)
from time_network import SAME, TimeNetwork

from tinykit.board import CORES
from tinykit.compiler import compile_model, passes
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.errors import ModelError


@pytest.fixture(scope="module")
def golden() -> Iterator[Golden]:
    """One interpreter process; each test loads its model."""
    with Golden(TimeNetwork((1, 6, 1, 2)).conv(1).build()) as interpreter:
        yield interpreter


@hypothesis.settings(
    max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(data=networks())
def test_random_networks_in_numpy(data: bytes, golden: Golden) -> None:
    """From the first hop on, over three windows, no byte differs from the golden window model."""
    stream = maybe_streamed(data)
    agree(golden, data, in_numpy(stream.graph), stream)


@pytest.mark.host
@hypothesis.settings(
    max_examples=12,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(data=networks())
def test_random_networks_in_c(data: bytes, golden: Golden) -> None:
    """The generated C as well."""
    maybe_streamed(data)
    compiled = compile_model(data, CORES["cortex-m3"], stream=True)
    assert compiled.stream is not None
    with HostModel(compiled) as model:
        agree(golden, data, lambda hop: model.run([hop])[0], compiled.stream)


def test_hop_is_the_product_of_the_strides(golden: Golden) -> None:
    """Layers that work at every second and every fourth row make a hop of four rows."""
    net = TimeNetwork((1, 31, 2, 3)).conv(4, (3, 2), (2, 1)).depthwise((3, 1), (2, 1)).dense(2)
    stream = streamed(net.build())
    assert stream.hop_rows == 4
    agree(golden, net.build(), in_numpy(stream.graph), stream)


def test_branches_of_different_rates(golden: Golden) -> None:
    """Strides of 2 and 3 make a hop of 6 rows, which may be all the rows that a branch has."""
    for rows in (8, 25):
        data = TimeNetwork((1, rows, 1, 3)).rates(3, 2).build()
        stream = streamed(data)
        assert stream.hop_rows == 6
        agree(golden, data, in_numpy(stream.graph), stream)


def test_flat_input(golden: Golden) -> None:
    """An input that is reshaped to rows takes the elements of the new rows."""
    data = TimeNetwork((1, 60)).reshape(1, 20, 3, 1).conv(4, (3, 3)).dense(2).build()
    stream = streamed(data)
    assert stream.graph.tensors[stream.graph.inputs[0]].shape == (1, 3)
    agree(golden, data, in_numpy(stream.graph), stream)


def test_time_on_the_width_axis(golden: Golden) -> None:
    """One-dimensional convolutions, as converters write them: (1, 1, time, channels)."""
    net = TimeNetwork((1, 20, 3)).reshape(1, 1, 20, 3).conv(4, (1, 3)).depthwise((1, 3), (1, 2))
    data = net.reshape(1, *net.shape[2:]).dense(2).build()
    stream = streamed(data)
    assert stream.hop_rows == 2
    agree(golden, data, in_numpy(stream.graph), stream)


def test_transpose_that_keeps_time_outermost(golden: Golden) -> None:
    """Width and channels may change places."""
    data = TimeNetwork((1, 9, 2, 3)).transpose(0, 1, 3, 2).conv(4, (3, 1)).dense(2).build()
    stream = streamed(data)
    agree(golden, data, in_numpy(stream.graph), stream)


def test_ends_of_unequal_depth_share_one_state(golden: Golden) -> None:
    """Two ops that look back differently far read one FIFO, as long as the longer one needs."""
    data = TimeNetwork((1, 12, 1, 3)).conv(3, (1, 1)).residual(4, 1).dense(2).build()
    stream = streamed(data)
    kept = [tensor.shape for tensor in stream.graph.tensors.values() if tensor.state]
    assert kept == [(1, 4, 1, 3), (1, 9, 1, 3)]
    agree(golden, data, in_numpy(stream.graph), stream)


def test_output_in_time_gives_its_newest_rows(golden: Golden) -> None:
    """A model that gives a row for each row, a mask, gives one a hop."""
    data = TimeNetwork((1, 10, 1, 3)).conv(5).dense(2, depth=5).build()
    stream = streamed(data)
    assert stream.graph.tensors[stream.graph.outputs[0]].shape == (1, 1, 1, 2)
    agree(golden, data, in_numpy(stream.graph), stream)


def test_only_new_rows_are_computed() -> None:
    """A convolution over 3 of 20 rows multiplies for one of its 18 rows only."""
    data = TimeNetwork((1, 20, 1, 4)).conv(8).dense(2).build()
    window = compile_model(data, CORES["cortex-m3"])
    stream = compile_model(data, CORES["cortex-m3"], stream=True)
    assert window.macs == 18 * 8 * 12 + 2 * 18 * 8
    assert stream.macs == 8 * 12 + 2 * 18 * 8
    assert stream.plan_json()["hop_rows"] == 1
    assert window.plan_json()["hop_rows"] is None


@pytest.mark.host
def test_reset_begins_anew(golden: Golden) -> None:
    """After reset the past is zero points again, whatever was there."""
    data = TimeNetwork((1, 12, 1, 4)).conv(4).depthwise((10, 1)).dense(2).build()
    compiled = compile_model(data, CORES["cortex-m3"], stream=True)
    assert compiled.stream is not None
    hops = hops_of(compiled.stream, 6)
    should = expected(golden, data, compiled.stream, hops)
    with HostModel(compiled, sanitize=True) as model:
        for _ in range(2):
            for hop, value in zip(hops, should, strict=True):
                np.testing.assert_array_equal(model.run([hop])[0], value)
            model.reset()


REFUSED = {
    "same": (
        lambda: TimeNetwork((1, 10, 2, 3)).conv(2).conv(4, padding=SAME).dense(2),
        r"op 1 conv2d pads its time axis \(1 rows before, 1 after",
    ),
    "pad": (
        lambda: TimeNetwork((1, 10, 2, 3)).pad((0, 0), (2, 0), (0, 0), (0, 0)).conv(4).dense(2),
        r"op 1 conv2d pads its time axis \(2 rows before, 0 after",
    ),
    "pad before a pool": (
        lambda: (
            TimeNetwork((1, 10, 2, 3))
            .pad((0, 0), (2, 0), (0, 0), (0, 0))
            .pool("MAX_POOL_2D")
            .dense(2)
        ),
        "op 0 pad pads its time axis",
    ),
    "excitation": (
        lambda: TimeNetwork((1, 10, 1, 3)).excite().dense(2),
        "op 1 mul joins every row with a value of the whole window",
    ),
    "softmax over time": (
        lambda: TimeNetwork((1, 10, 1, 1)).reshape(1, 10).softmax(),
        "op 1 softmax is taken over its time axis",
    ),
    "no time axis": (
        lambda: TimeNetwork((1, 30)).dense(2),
        r"no time axis in input 't1' of shape \(1, 30\)",
    ),
    "rows cut apart": (
        lambda: TimeNetwork((1, 10, 2, 3)).reshape(1, 5, 4, 3).conv(2).dense(2),
        "op 0 reshape cuts the 10 rows of time apart",
    ),
    "time moved inside": (
        lambda: TimeNetwork((1, 10, 2, 3)).transpose(0, 2, 1, 3).dense(2),
        "op 0 transpose has time on axis 2 of shape",
    ),
    "hop as long as the window": (
        lambda: TimeNetwork((1, 6, 1, 3)).rates(3, 2),
        "its strides in time make a hop of 6 rows, and input 't1' has 6",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_names_op_and_reason(name: str) -> None:
    """What cannot be streamed is refused, not computed differently."""
    network, reason = REFUSED[name]
    with pytest.raises(ModelError, match=f"cannot be streamed: {reason}") as error:
        streamed(network().build())
    assert error.value.hint


def test_states_lie_apart_and_are_moved_on_in_place() -> None:
    """Each FIFO is its state's memory; no two overlap, and the arena holds none of them."""
    data = TimeNetwork((1, 12, 1, 5)).conv(3).depthwise((4, 1)).dense(2).build()
    compiled = compile_model(data, CORES["cortex-m3"], stream=True)
    plan, graph = compiled.plan, compiled.graph
    pushes = [op for op in graph.ops if op.kind == "stream_push"]
    places = [plan.places[op.outputs[0]] for op in pushes]
    sizes = [graph.tensors[op.outputs[0]].nbytes for op in pushes]
    assert [plan.places[op.inputs[0]] for op in pushes] == places
    assert {place.memory for place in places} == {"state"}
    spans = sorted((place.offset, size) for place, size in zip(places, sizes, strict=True))
    ends = [0, *(offset + size for offset, size in spans)]
    assert all(offset >= end for (offset, _), end in zip(spans, ends, strict=False))
    assert plan.state_bytes >= ends[-1]


def test_state_has_one_reader() -> None:
    """A FIFO that something else reads as well would be seen half moved."""
    stream = streamed(TimeNetwork((1, 12, 1, 5)).conv(3).dense(2).build())
    graph = stream.graph
    push = graph.ops[0]
    twice = dataclasses.replace(push, outputs=(max(graph.tensors) + 1,), index=99)
    tensors = {**graph.tensors, twice.outputs[0]: graph.tensors[push.outputs[0]]}
    with pytest.raises(ModelError, match="is read 2 times, not once"):
        dataclasses.replace(graph, ops=[push, twice, *graph.ops[1:]], tensors=tensors).verify()


def test_passes_leave_a_state_alone() -> None:
    """A state has a value at compile time, its first: nothing may be folded into it."""
    stream = streamed(TimeNetwork((1, 12, 1, 5)).depthwise().dense(2).build())
    again = passes.run(stream.graph)
    assert [op.kind for op in again.ops] == [op.kind for op in stream.graph.ops]
