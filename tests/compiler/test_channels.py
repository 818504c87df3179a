"""Dead and constant channels go where that changes no byte, and stay where it would."""

from __future__ import annotations

import numpy as np
import pytest
import single_op
from layers import SAME, VALID, Layers
from test_passes import same

from tinykit.board import CORES
from tinykit.compiler import compile_model, ops, reference
from tinykit.compiler.ir import Graph
from tinykit.compiler.passes import channel_ranges
from tinykit.compiler.passes.drop_channels import drop_channels as drop
from tinykit.compiler.passes.settle_channels import settle_channels as settle
from tinykit.compiler.reader import read_tflite

EIGHT = tuple(range(8))


def widths(graph: Graph) -> list[int]:
    """Return the last axis of what each op writes."""
    return [graph.tensors[op.outputs[0]].shape[-1] for op in graph.ops]


def macs(graph: Graph) -> int:
    """Return the multiply-accumulates of one inference."""
    return sum(ops.rule(op).macs(graph, op) for op in graph.ops)


def test_constant_channels_go_through_a_separable_block() -> None:
    """Their constant goes into the bias behind; what fed them goes as well."""
    net = Layers(1, 5, 4, 3)
    first = net.conv(net.x, 16, zeros=EIGHT, bias=[5] * 8)
    deep = net.depthwise(first, zeros=EIGHT, bias=[7] * 8)
    graph = net.graph(net.conv(deep, 4))
    after = drop(graph)
    assert widths(after) == [8, 8, 4]
    assert macs(after) < 0.55 * macs(graph)
    same(graph, after)


def test_a_clamped_channel_is_constant() -> None:
    """A bias so low that ReLU clamps every sum makes a constant without any zero weight."""
    net = Layers(1, 5, 4, 3)
    graph = net.graph(net.conv(net.conv(net.x, 8, bias=[-9000] * 4), 4, size=3))
    assert widths(drop(graph)) == [4, 4]
    same(graph, drop(graph))


def test_a_constant_beside_padding_stays() -> None:
    """Padding is zero: at the border the layer behind sees something else than inside."""
    net = Layers(1, 5, 4, 3)
    first = net.conv(net.x, 8, zeros=(0, 1, 2, 3), bias=[9] * 4)
    graph = net.graph(net.conv(first, 4, size=3, padding=SAME))
    assert widths(drop(graph)) == [8, 4]


def test_a_constant_without_padding_goes() -> None:
    """The same network without padding: every window sees the constant."""
    net = Layers(1, 5, 4, 3)
    first = net.conv(net.x, 8, zeros=(0, 1, 2, 3), bias=[9] * 4)
    graph = net.graph(net.conv(first, 4, size=3, padding=VALID))
    assert widths(drop(graph)) == [4, 4]
    same(graph, drop(graph))


def test_a_constant_zero_beside_padding_goes() -> None:
    """A channel that is real zero everywhere is what padding is."""
    net = Layers(1, 5, 4, 3)
    first = net.conv(net.x, 8, zeros=(0, 1, 2, 3), bias=[-9] * 4)
    graph = net.graph(net.conv(first, 4, size=3, padding=SAME))
    assert widths(drop(graph)) == [4, 4]
    same(graph, drop(graph))


def test_channels_that_nobody_reads_go() -> None:
    """A channel in front of nothing but zeros is not computed, and neither is what it needs."""
    net = Layers(1, 5, 4, 3)
    deep = net.depthwise(net.conv(net.x, 8))
    graph = net.graph(net.conv(deep, 4, unread=(1, 2, 5, 7)))
    assert widths(drop(graph)) == [4, 4, 4]
    same(graph, drop(graph))


def test_a_residual_needs_both_sides_to_be_constant() -> None:
    """Channels of a sum go where both terms are constant, and stay where one is not."""
    net = Layers(1, 5, 4, 3)
    a = net.conv(net.x, 12, zeros=EIGHT, bias=[3] * 8)
    b = net.conv(net.x, 12, zeros=(4, 5, 6, 7, 8, 9), bias=[2] * 10)
    graph = net.graph(net.conv(net.op("ADD", [a, b], (1, 5, 4, 12)), 4))
    assert widths(drop(graph)) == [8, 8, 8, 4]
    same(graph, drop(graph))


def test_concatenated_channels_keep_their_places() -> None:
    """Each part loses its own channels."""
    net = Layers(1, 5, 4, 3)
    a = net.conv(net.x, 8, zeros=(0, 2, 4, 6), bias=EIGHT)
    b = net.conv(net.x, 8, zeros=(1, 2, 3, 7), bias=EIGHT)
    graph = net.graph(net.conv(net.op("CONCATENATION", [a, b], (1, 5, 4, 16), axis=3), 4))
    assert widths(drop(graph)) == [4, 4, 8, 4]
    same(graph, drop(graph))


@pytest.mark.parametrize("reduction", ["MEAN", "REDUCE_MAX"])
def test_pools_slices_means_and_tables_pass_channels_on(reduction: str) -> None:
    """Ops that take each channel by itself hand the gap on to the dense layer behind them."""
    net = Layers(1, 6, 4, 3)
    x = net.conv(net.x, 8, zeros=(0, 3, 5, 6), bias=EIGHT)
    window = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 1, "padding": VALID}
    x = net.op("MAX_POOL_2D", [x], (1, 3, 3, 8), **window)
    edges = [net.integers(*values) for values in ((0, 1, 0, 0), (1, 3, 3, 8), (1, 1, 1, 1))]
    x = net.op("STRIDED_SLICE", [x, *edges], (1, 2, 3, 8))
    x = net.op("RELU", [x], (1, 2, 3, 8))
    x = net.op(reduction, [x, net.integers(1)], (1, 3, 8), keepDims=0)
    graph = net.graph(net.dense(x, 5))
    assert widths(drop(graph)) == [4, 4, 4, 4, 4, 5]
    same(graph, drop(graph))


def test_outputs_stay_whole() -> None:
    """What the caller reads has all its channels, constant or not."""
    net = Layers(1, 5, 4, 3)
    graph = net.graph(net.conv(net.x, 8, zeros=(0, 1, 2, 3)))
    assert drop(graph) is graph


def test_a_depth_multiplier_keeps_groups() -> None:
    """With two outputs for each input, both must go for one to go."""
    net = Layers(1, 5, 4, 3)
    first = net.conv(net.x, 8)
    deep = net.depthwise(first, zeros=(*range(8), 8, 10, 12), bias=[1] * 16, multiplier=2)
    graph = net.graph(net.conv(deep, 4))
    assert widths(drop(graph)) == [4, 8, 4]
    same(graph, drop(graph))


def test_something_stays_of_a_tensor_of_constants() -> None:
    """No tensor becomes empty; four channels are the least that kernels like."""
    net = Layers(1, 5, 4, 3)
    first = net.conv(net.x, 8, zeros=EIGHT, bias=EIGHT)
    graph = net.graph(net.conv(first, 4))
    assert widths(drop(graph)) == [4, 4]
    same(graph, drop(graph))


def test_settled_channels_need_no_input_and_no_long_shift() -> None:
    """A dead channel with the scale that converters give it costs no layer its fast kernel."""
    net = Layers(1, 5, 4, 4)
    data = net.data(net.conv(net.x, 8, zeros=(1, 4), bias=EIGHT))
    graph = read_tflite(data)
    same(graph, settle(graph))
    kernels = [step.kernel.name for step in compile_model(data, CORES["cortex-m4f"]).plan.steps]
    assert kernels == ["conv2d_s8_dsp"]
    kernels = [step.kernel.name for step in compile_model(data, CORES["cortex-m55"]).plan.steps]
    assert kernels == ["conv2d_s8_helium"]


def test_settling_leaves_layers_without_constants() -> None:
    """Nothing to do, nothing done."""
    net = Layers(1, 5, 4, 9, seed=1)
    graph = net.graph(net.depthwise(net.conv(net.x, 8)))
    assert settle(graph).ops == graph.ops


def test_ranges_hold() -> None:
    """No value of any edge case is ever outside."""
    for name, data in single_op.cases().items():
        graph = read_tflite(data)
        found = channel_ranges.ranges(graph)
        for row in zip(*single_op.inputs(data, 4), strict=True):
            _, tensors = reference.run(graph, list(row))
            for key, value in tensors.items():
                rows = value.reshape(-1, channel_ranges.channels(graph.tensors[key]))
                assert (rows >= found[key].low).all() and (rows <= found[key].high).all(), name
                assert np.all(found[key].low <= found[key].high), name
