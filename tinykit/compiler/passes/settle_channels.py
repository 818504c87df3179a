"""Gives output channels that have one value whatever the input the plainest form there is."""

from __future__ import annotations

import dataclasses

import numpy as np

from tinykit.compiler.ir import Graph, Op, Quantization, Tensor
from tinykit.compiler.ops import _linear
from tinykit.compiler.passes.channel_ranges import Range, few_channels, ranges

AXES = {"conv2d": 0, "fully_connected": 0, "depthwise_conv2d": 3}
"""The output channel among the axes of each layer's filter."""

_STEP = 256  # accumulator counts for one output step: any kernel takes a shift of 8


def settle_channels(graph: Graph) -> Graph:
    """Replace the filters of constant channels by zeros, their scales by moderate ones.

    Converters derive the scale of a filter of zeros from its bias, and it is so small that kernels
    with a short output stage cannot take it: one dead channel would cost the whole layer its fast
    kernel. Nor does a filter of zeros need any input.
    """
    if not few_channels(graph):
        return graph
    tensors = dict(graph.tensors)
    found = ranges(graph)
    kept = []
    for op in graph.ops:
        if op.kind in AXES and found[op.outputs[0]].constant.any():
            op = _settled(graph, op, found[op.outputs[0]], tensors)
        kept.append(op)
    return dataclasses.replace(graph, tensors=tensors, ops=kept)


def _settled(graph: Graph, op: Op, found: Range, tensors: dict[int, Tensor]) -> Op:
    """Return `op` with another filter and bias, which are added to `tensors`."""
    source, key = op.inputs[0], op.inputs[_linear.FILTER]
    assert source is not None and key is not None
    weights, result = graph.tensors[key], graph.tensors[op.outputs[0]]
    assert weights.data is not None and weights.quantization is not None
    axis = AXES[op.kind]
    narrow = graph.tensors[source].dtype == np.int8
    shared = weights.quantization.per_tensor or weights.shape[axis] != found.constant.size
    if shared or not narrow:
        return op
    scale = np.float32(result.scale / graph.tensors[source].scale / _STEP)
    if not np.finfo(np.float32).tiny < scale < np.inf:
        return op
    data = np.moveaxis(weights.data.copy(), axis, 0)
    data[found.constant] = 0
    scales = np.where(found.constant, scale, weights.quantization.scale)
    quantization = Quantization(scales, weights.quantization.zero_point, axis)
    bias = _linear.bias(graph, op).copy()
    bias[found.constant] = _STEP * (found.low[found.constant] - result.zero_point)
    first = max(tensors) + 1
    filters = np.ascontiguousarray(np.moveaxis(data, 0, axis))
    tensors[first] = dataclasses.replace(weights, data=filters, quantization=quantization)
    given = op.inputs[_linear.BIAS] if len(op.inputs) > _linear.BIAS else None
    name = f"{weights.name}_bias" if given is None else graph.tensors[given].name
    tensors[first + 1] = Tensor(name, bias.shape, bias.dtype, data=bias)
    for number in (first, first + 1):
        constant = tensors[number].data
        assert constant is not None
        constant.flags.writeable = False
    changed = dataclasses.replace(op, inputs=(source, first, first + 1))
    return changed if _same(graph, tensors, changed, found) else op


def _same(graph: Graph, tensors: dict[int, Tensor], op: Op, found: Range) -> bool:
    """Whether the new biases really give the old values."""
    made = _linear.requantize(
        dataclasses.replace(graph, tensors=tensors), op, np.zeros(found.low.size, np.int64)
    )
    return bool((made == found.low)[found.constant].all())
