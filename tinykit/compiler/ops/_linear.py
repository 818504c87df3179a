"""What convolutions and fully connected layers share: filters, biases, requantization.

int8 activations are summed in 32 bits and rounded twice. For int16 activations TFLM goes by the
bias: with an int64 one, or none, it sums in 64 bits, scales by 16 bits of the multiplier and rounds
once; with an int32 one it does as for int8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _legal

FILTER, BIAS = 1, 2  # positions among the inputs


def multipliers(graph: Graph, op: Op) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the multiplier and shift of each output channel, int32 (channels,)."""
    image, weights, result = (
        _legal.tensor(graph, op, 0, "input"),
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


def has_bias(op: Op) -> bool:
    """Whether the op has a bias."""
    return len(op.inputs) > BIAS and op.inputs[BIAS] is not None


def bias(graph: Graph, op: Op) -> NDArray[Any]:
    """Return the bias, int32 or int64 (channels,): zeros when the op has none."""
    if has_bias(op):
        data = _legal.tensor(graph, op, BIAS, "bias").data
        assert data is not None
        return data.reshape(-1)
    return np.zeros(graph.tensors[op.outputs[0]].shape[-1], np.int32)


def rounds_once(graph: Graph, op: Op) -> bool:
    """Whether the op sums in 64 bits, scales by a 16-bit multiplier and rounds once."""
    if _legal.tensor(graph, op, 0, "input").dtype != _legal.INT16:
        return False
    return not has_bias(op) or _legal.tensor(graph, op, BIAS, "bias").dtype == _legal.INT64


def requantize(graph: Graph, op: Op, accumulator: Array) -> Array:
    """Add the bias, scale each channel (the last axis), shift by the zero point and clamp."""
    result = graph.tensors[op.outputs[0]]
    once = rounds_once(graph, op)
    scale = (
        arithmetic.multiply_wide_by_quantized_multiplier
        if once
        else (arithmetic.multiply_by_quantized_multiplier)
    )
    scaled = scale(accumulator + bias(graph, op), *multipliers(graph, op))
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
    image = _legal.activation(graph, op, dtypes=_legal.ACTIVATIONS)
    weights = _legal.constant(graph, op, FILTER, "filter", np.int8)
    result = _legal.output(graph, op, _legal.ACTIVATIONS)
    _legal.same_dtype(op, image, result)
    _legal.centred(op, image, result)
    _legal.rank(op, weights, rank, "filter")
    _check_filter_quantization(op, weights, axis)
    _legal.require(len(result.shape) > 0, op, "its output is a scalar")
    channels = result.shape[-1]
    if has_bias(op):
        wide = image.dtype == _legal.INT16
        value = _legal.constant(graph, op, BIAS, "bias", *_bias_dtypes(op) if wide else [np.int32])
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


def _bias_dtypes(op: Op) -> list[type]:
    """Return the dtypes of biases that TFLM's kernels for int16 read as what they are."""
    return [np.int64] if op.kind == "depthwise_conv2d" else [np.int64, np.int32]


def reach(graph: Graph, op: Op, axis: int) -> NDArray[np.int64]:
    """Return a bound of each output channel's accumulator, over all inputs and partial sums."""
    image, weights = (_legal.tensor(graph, op, i, "input") for i in (0, FILTER))
    assert weights.data is not None
    others = tuple(i for i in range(weights.data.ndim) if i != axis)
    weight_sums = np.abs(weights.data.astype(np.int64)).sum(axis=others)
    low, high = arithmetic.type_range(image.dtype)
    widest = max(high - image.zero_point, image.zero_point - low)
    return weight_sums * widest + magnitude(bias(graph, op))


def magnitude(values: Array) -> NDArray[np.int64]:
    """Return the magnitudes of biases, those beyond `arithmetic.MAX_WIDE` as one more than it."""
    limit = arithmetic.MAX_WIDE + 1  # the magnitude of -2**63 does not fit int64
    return np.abs(np.clip(values.astype(np.int64), -limit, limit))


def _check_accumulator(graph: Graph, op: Op, image: Tensor, weights: Tensor, axis: int) -> None:
    """Refuse filters and biases with which some input overflows the accumulator.

    In C, that overflow is undefined behaviour: what the golden interpreter does then is chance.
    """
    worst = reach(graph, op, axis)
    multiplier, shift = multipliers(graph, op)
    if rounds_once(graph, op):
        check_wide(op, worst, multiplier, shift)
        return
    shifts = np.maximum(shift.astype(np.int64), 0)
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


def check_wide(op: Op, worst: Array, multiplier: Array, shift: Array) -> None:
    """Refuse 64-bit sums that TFLM cannot scale, or whose scaled value does not fit 32 bits."""
    if int(shift.max()) > arithmetic.MAX_WIDE_SHIFT:
        _legal.refuse(
            op,
            f"scales its sums by up to 2**{shift.max()}, the limit is "
            f"2**{arithmetic.MAX_WIDE_SHIFT}",
            "the scales of the model look wrong: quantize it again",
        )
    inside = worst <= arithmetic.MAX_WIDE
    scaled = arithmetic.multiply_wide_by_quantized_multiplier(
        np.where(inside, worst, 0), multiplier, shift
    )
    wrong = np.flatnonzero(~inside | (scaled > arithmetic.INT32_MAX))
    if wrong.size:
        _legal.refuse(
            op,
            f"channel {wrong[0]} can overflow (bound {worst[wrong[0]]} in 48 bits, "
            f"{scaled[wrong[0]]} scaled)",
            "the scales or biases of the model look wrong: quantize it again",
        )
