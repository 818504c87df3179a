"""Phases: a row at a time, layers behind strides at every 2nd, 4th call; never other bytes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

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
    spotter,
    streamed,
)
from time_network import TimeNetwork

from tinykit.board import CORES
from tinykit.compiler import CompiledModel, compile_model, reference, toolchain
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.compiler.periods import output_periods, period, periods
from tinykit.errors import ModelError, UsageError


@pytest.fixture(scope="module")
def golden() -> Iterator[Golden]:
    """One interpreter process; each test loads its model."""
    with Golden(TimeNetwork((1, 6, 1, 2)).conv(1).build()) as interpreter:
        yield interpreter


def compiled(data: bytes) -> CompiledModel:
    """Return the C of a model with phases."""
    return compile_model(data, CORES["cortex-m3"], stream=True, phases=True)


def works(model: CompiledModel) -> dict[str, list[int]]:
    """Return the periods of the ops that compute, by kind."""
    found: dict[str, list[int]] = {}
    for op, every in zip(model.graph.ops, periods(model.graph), strict=True):
        if op.kind != "stream_push":
            found.setdefault(op.kind, []).append(every)
    return found


@hypothesis.settings(
    max_examples=60,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(data=networks(most=3))
def test_random_networks_in_numpy(data: bytes, golden: Golden) -> None:
    """At every call, for three windows: the window model's bytes of the last output's turn."""
    stream = maybe_streamed(data, phases=True)
    agree(golden, data, in_numpy(stream.graph), stream)


@pytest.mark.host
@hypothesis.settings(
    max_examples=12,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(data=networks(most=3))
def test_random_networks_in_c(data: bytes, golden: Golden) -> None:
    """The generated C as well."""
    maybe_streamed(data, phases=True)
    model = compiled(data)
    assert model.stream is not None
    with HostModel(model) as host:
        agree(golden, data, lambda row: host.run([row])[0], model.stream)


def test_a_layer_works_when_its_rows_are_new(golden: Golden) -> None:
    """Behind a stride of 2 at every second call, behind two of them at every fourth."""
    net = TimeNetwork((1, 31, 2, 3)).conv(4, (3, 2)).depthwise((3, 1), (2, 1)).leaky()
    data = net.pool("MAX_POOL_2D", (3, 1), (2, 1)).dense(2).build()
    model = compiled(data)
    kinds = ["fully_connected", "depthwise_conv2d", "leaky_relu", "max_pool2d"]
    assert {kind: works(model)[kind] for kind in kinds} == {
        "fully_connected": [1, 4],
        "depthwise_conv2d": [2],
        "leaky_relu": [2],
        "max_pool2d": [4],
    }
    assert output_periods(model.graph) == [4]
    stream = streamed(data, phases=True)
    assert stream.hop_rows == 1
    agree(golden, data, in_numpy(stream.graph), stream)


def test_branches_meet_at_their_common_multiple(golden: Golden) -> None:
    """Strides of 3 and 2: what is flattened and added works at every sixth call, no part sooner."""
    data = TimeNetwork((1, 25, 1, 3)).rates(3, 2).build()
    model = compiled(data)
    assert works(model) == {"fully_connected": [3, 6, 6], "conv2d": [2], "add": [6]}
    assert period(model.graph) == 6
    stream = streamed(data, phases=True)
    agree(golden, data, in_numpy(stream.graph), stream)


def test_rows_that_a_stride_steps_over_are_not_computed(golden: Golden) -> None:
    """A stride of 3 over single rows: the layer before it, too, works at every third call only."""
    data = TimeNetwork((1, 20, 1, 3)).conv(4, (2, 1)).conv(5, (1, 1), (3, 1)).dense(2).build()
    model = compiled(data)
    assert works(model) == {"fully_connected": [3, 3, 3]}
    stream = streamed(data, phases=True)
    agree(golden, data, in_numpy(stream.graph), stream)


@pytest.mark.parametrize("rows", range(21, 25))
def test_rows_at_the_end_that_no_layer_reads(rows: int, golden: Golden) -> None:
    """Windows of which up to three newest rows are left over by the strides."""
    data = TimeNetwork((1, rows, 1, 3)).conv(4, (3, 1), (2, 1)).conv(3, (2, 1), (2, 1)).dense(2)
    stream = streamed(data.build(), phases=True)
    agree(golden, data.build(), in_numpy(stream.graph), stream)


def test_output_in_time_gives_a_row_at_each_turn(golden: Golden) -> None:
    """A model that gives a row for every second row of its input."""
    data = TimeNetwork((1, 12, 1, 3)).conv(5, (3, 1), (2, 1)).dense(2, depth=5).build()
    stream = streamed(data, phases=True)
    assert stream.graph.tensors[stream.graph.outputs[0]].shape == (1, 1, 1, 2)
    assert output_periods(stream.graph) == [2]
    agree(golden, data, in_numpy(stream.graph), stream)


def test_work_of_a_call() -> None:
    """Most and mean of a period, counted from the shapes."""
    data = TimeNetwork((1, 21, 1, 4)).conv(8, (3, 1), (2, 1)).conv(6, (3, 1), (2, 1)).dense(2)
    found = compiled(data.build())
    first, second, end = 8 * 12, 6 * 24, 2 * 4 * 6
    assert found.macs == first + second + end
    assert found.mean_macs == first / 2 + (second + end) / 4
    plan = found.plan_json()
    assert plan["phases"] == {"period": 4, "output_periods": [4], "macs_mean": found.mean_macs}
    assert (plan["macs"], plan["hop_rows"]) == (found.macs, 1)


def test_what_the_documentation_says_of_the_spotter() -> None:
    """A period multiplies as often as a hop of four rows, its costliest call 30 % less often."""
    data = spotter()
    hop = compile_model(data, CORES["cortex-m4f"], stream=True)
    phased = compile_model(data, CORES["cortex-m4f"], stream=True, phases=True)
    assert (hop.macs, phased.macs, phased.mean_macs) == (89_856, 62_464, 22_464)
    assert phased.plan.state_bytes < hop.plan.state_bytes


def test_no_strides_no_phases() -> None:
    """Where every layer works at every row, the C is that of the plain stream."""
    data = TimeNetwork((1, 20, 1, 4)).conv(8).dense(2).build()
    plain = compile_model(data, CORES["cortex-m3"], stream=True)
    assert compiled(data).sources == plain.sources
    assert compiled(data).plan_json()["phases"] is None


def test_only_a_stream_has_phases() -> None:
    """A window model is computed as a whole."""
    data = TimeNetwork((1, 20, 1, 4)).conv(8).dense(2).build()
    with pytest.raises(UsageError, match="only a stream has phases"):
        compile_model(data, CORES["cortex-m3"], phases=True)


def test_a_scalar_output_is_refused() -> None:
    """It has no axis along which a FIFO could keep it; without phases it is streamed."""
    data = TimeNetwork((1, 20, 1, 3)).conv(3, (2, 1), (2, 1)).mean(0, 1, 2, 3).build()
    compile_model(data, CORES["cortex-m3"], stream=True)
    with pytest.raises(ModelError, match="output 't5' is a scalar"):
        compiled(data)


@pytest.mark.host
def test_reset_begins_a_period_anew(golden: Golden) -> None:
    """Under sanitizers: after a reset in the middle of a period the first call is a first call."""
    net = TimeNetwork((1, 19, 1, 4)).conv(4, (3, 1), (2, 1)).depthwise((3, 1), (2, 1))
    data = net.dense(3).softmax().build()
    model = compiled(data)
    assert model.stream is not None
    rows = hops_of(model.stream, 10)
    should = expected(golden, data, model.stream, rows)
    assert len({value.tobytes() for value in should}) == 3  # before the first, two new ones
    with HostModel(model, sanitize=True) as host:
        for count in (10, 7):
            host.reset()
            for row, value in zip(rows[:count], should, strict=False):
                np.testing.assert_array_equal(host.run([row])[0], value)


@pytest.mark.host
def test_no_op_works_out_of_turn() -> None:
    """At each call exactly those ops run that the numpy model runs, with the same bytes."""
    model = compiled(TimeNetwork((1, 25, 1, 3)).rates(3, 2).build())
    assert model.stream is not None
    graph, states = model.graph, None
    with HostModel(model) as host:
        for call, row in enumerate(hops_of(model.stream, 13), 1):
            _, tensors = reference.run(graph, [row], states, call)
            states = reference.next_states(graph, tensors)
            turns = zip(graph.ops, periods(graph), strict=True)
            should = [
                (op.index, tensors[op.outputs[0]].tobytes())
                for op, every in turns
                if call % every == 0
            ]
            assert host.trace([row]) == should


@pytest.mark.host
def test_firmware_is_told_that_an_output_is_new(tmp_path: Path) -> None:
    """tk_model_output_is_new() says so at every multiple of the period, from the reset on."""
    model = compiled(TimeNetwork((1, 19, 1, 4)).conv(4, (3, 1), (2, 1)).dense(2).build())
    model.write(tmp_path / "model")
    options = ("-std=c99", "-fno-strict-aliasing", "-fPIC", "-shared")
    command = [toolchain.host_compiler(), *options, "tk_model.c", "-o", "model.so"]
    toolchain.run(command, tmp_path / "model")
    library = ctypes.CDLL(str(tmp_path / "model" / "model.so"))
    for _ in range(2):
        library.tk_model_reset()
        told = [library.tk_model_output_is_new(0)]
        for _ in range(5):
            library.tk_model_invoke()
            told.append(library.tk_model_output_is_new(0))
        assert told == [0, 0, 1, 0, 1, 0]
    assert library.tk_model_output_is_new(1) == 0
    assert "#define TK_MODEL_OUTPUT_PERIODS {2}" in model.sources["tk_model.h"]
