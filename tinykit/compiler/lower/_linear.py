"""What convolutions and fully connected layers share: constants and the output stage."""

from __future__ import annotations

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Constant, Params, int8
from tinykit.compiler.ops import Array, _linear
from tinykit.errors import ModelError

_SAFE = 1 << 30  # accumulators up to here may use the short form of requantization


def weights(graph: Graph, op: Op) -> Array:
    """Return the filter, int8, in the layout of the file."""
    key = op.inputs[_linear.FILTER]
    assert key is not None
    data = graph.tensors[key].data
    assert data is not None
    return data


def folded_bias(graph: Graph, op: Op, channel_axis: int) -> Array:
    """Return the bias with the input's zero point folded in, int32 (channels,).

    `sum((x - z) * w) + b = sum(x * w) + (b - z * sum(w))`: kernels then need no subtraction, and
    padding must read as the zero point.

    Raises
    ------
    ModelError
        When a partial sum could leave 32 bits.
    """
    assert op.inputs[0] is not None
    filters = np.moveaxis(weights(graph, op), channel_axis, 0).astype(np.int64)
    filters = filters.reshape(filters.shape[0], -1)
    bias = _linear.bias(graph, op).astype(np.int64)
    folded = bias - graph.tensors[op.inputs[0]].zero_point * filters.sum(axis=1)
    reach = int((np.abs(folded) + 128 * np.abs(filters).sum(axis=1)).max())
    if reach > arithmetic.INT32_MAX:
        raise ModelError(f"{op}: an accumulator can reach {reach:,}, more than 32 bits hold")
    return folded.astype(np.int32)


def reach(graph: Graph, op: Op, channel_axis: int) -> int:
    """Return a bound of every accumulator's magnitude, partial sums aside."""
    assert op.inputs[0] is not None
    zero_point = graph.tensors[op.inputs[0]].zero_point
    filters = np.moveaxis(weights(graph, op), channel_axis, 0).astype(np.int64)
    sums = np.abs(filters.reshape(filters.shape[0], -1)).sum(axis=1)
    widest = max(127 - zero_point, zero_point + 128)
    return int((np.abs(_linear.bias(graph, op).astype(np.int64)) + widest * sums).max())


def constants(graph: Graph, op: Op, channel_axis: int) -> tuple[Constant, ...]:
    """Return bias, multiplier and shift (to the right) of every output channel."""
    multiplier, shift = _linear.multipliers(graph, op)
    return (
        Constant("bias", folded_bias(graph, op, channel_axis)),
        Constant("multiplier", multiplier),
        Constant("shift", int8(-shift)),
    )


def output_stage(graph: Graph, op: Op, channel_axis: int) -> Params:
    """Return the initialisers of `tk_output`."""
    low, high = _linear.output_range(graph, op)
    _, shift = _linear.multipliers(graph, op)
    short = bool((shift < 0).all()) and reach(graph, op, channel_axis) <= _SAFE
    return {
        "zero_point": graph.tensors[op.outputs[0]].zero_point,
        "low": low,
        "high": high,
        "any_shift": int(not short),
    }


def per_channel(graph: Graph, op: Op) -> bool:
    """Whether the filter has a scale for each output channel."""
    key = op.inputs[_linear.FILTER]
    assert key is not None
    quantization = graph.tensors[key].quantization
    assert quantization is not None
    return not quantization.per_tensor
