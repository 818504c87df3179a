"""What convolutions and fully connected layers share: filters, biases, requantization."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _legal

FILTER, BIAS = 1, 2  # positions among the inputs


def multipliers(graph: Graph, op: Op) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the multiplier and shift of each output channel, int32 (channels,)."""
    image, weights, result = (
        _legal.activation(graph, op),
        _legal.tensor(graph, op, FILTER, "filter"),
        graph.tensors[op.outputs[0]],
    )
    assert weights.quantization is not None
    channels = result.shape[-1]
    return arithmetic.channel_multipliers(
        image.scale, weights.quantization.scale, result.scale, channels
    )


def output_range(graph: Graph, op: Op) -> tuple[int, int]:
    """Return the bounds of the output: the fused activation's, quantized."""
    result = graph.tensors[op.outputs[0]]
    return arithmetic.activation_range(
        op.attrs.activation, result.scale, result.zero_point, result.dtype
    )


def bias(graph: Graph, op: Op) -> NDArray[np.int32]:
    """Return the bias, int32 (channels,): zeros when the op has none."""
    if len(op.inputs) > BIAS and op.inputs[BIAS] is not None:
        data = _legal.tensor(graph, op, BIAS, "bias").data
        assert data is not None
        return data.reshape(-1)
    return np.zeros(graph.tensors[op.outputs[0]].shape[-1], np.int32)


def requantize(graph: Graph, op: Op, accumulator: Array) -> Array:
    """Add the bias, scale each channel (the last axis), shift by the zero point and clamp."""
    result = graph.tensors[op.outputs[0]]
    scaled = arithmetic.multiply_by_quantized_multiplier(
        accumulator + bias(graph, op), *multipliers(graph, op)
    )
    low, high = output_range(graph, op)
    return np.clip(scaled + result.zero_point, low, high).astype(result.dtype)


def check(graph: Graph, op: Op, rank: int, axis: int) -> tuple[Tensor, Tensor, Tensor]:
    """Check dtypes, quantization, bias and accumulator range; return input, filter and output.

    Parameters
    ----------
    rank : int
        How many axes the filter has.
    axis : int
        The one that is the output channel.
    """
    _legal.arity(op, 2, 3)
    image = _legal.activation(graph, op)
    weights = _legal.constant(graph, op, FILTER, "filter", np.int8)
    result = _legal.output(graph, op)
    _legal.rank(op, weights, rank, "filter")
    _check_filter_quantization(op, weights, axis)
    _legal.require(len(result.shape) > 0, op, "its output is a scalar")
    channels = result.shape[-1]
    if len(op.inputs) > BIAS and op.inputs[BIAS] is not None:
        value = _legal.constant(graph, op, BIAS, "bias", np.int32)
        _legal.shape_is(op, value, (channels,), "bias")
    if weights.shape[axis] != channels:
        _legal.refuse(op, f"its filter has {weights.shape[axis]} channels, its output {channels}")
    _check_accumulator(graph, op, image, weights, axis)
    return image, weights, result


def _check_filter_quantization(op: Op, weights: Tensor, axis: int) -> None:
    quantization = weights.quantization
    if quantization is None:
        _legal.refuse(op, f"its filter {weights.name!r} has no scale", _legal.QUANTIZE_HINT)
    if not quantization.per_tensor and quantization.axis != axis:
        _legal.refuse(op, f"its filter is quantized along axis {quantization.axis}, not {axis}")
    if quantization.zero_point.any():
        _legal.refuse(
            op, f"its filter {weights.name!r} has a zero point other than 0", _legal.QUANTIZE_HINT
        )


def _check_accumulator(graph: Graph, op: Op, image: Tensor, weights: Tensor, axis: int) -> None:
    """Refuse filters and biases with which some input overflows a 32-bit accumulator.

    In C, that overflow is undefined behaviour: what the golden interpreter does then is chance.
    """
    assert weights.data is not None
    others = tuple(i for i in range(weights.data.ndim) if i != axis)
    weight_sums = np.abs(weights.data.astype(np.int64)).sum(axis=others)
    reach = max(127 - image.zero_point, image.zero_point + 128)
    worst = weight_sums * reach + np.abs(bias(graph, op).astype(np.int64))
    shifts = np.maximum(multipliers(graph, op)[1].astype(np.int64), 0)
    channel = int(np.argmax(np.log2(np.maximum(worst, 1)) + shifts))
    if shifts.max() > arithmetic.MAX_SHIFT or int(worst[channel]) << int(shifts[channel]) > (
        arithmetic.INT32_MAX
    ):
        _legal.refuse(
            op,
            f"channel {channel} can overflow its 32-bit accumulator (bound {worst[channel]}, "
            f"left shift {shifts[channel]})",
            "the scales or biases of the model look wrong: quantize it again",
        )
