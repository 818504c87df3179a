"""Folded operations and their ranges as a full-integer .tflite.

Scheme (Jacob et al., arXiv 1712.05877; TensorFlow Lite's quantization specification): int8
activations with one scale and zero point, int8 weights symmetric per output channel, int32 biases
of scale input * weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.writer import TfliteWriter
from tinykit.quantize.fold import Linear, Node, Pool, Softmax
from tinykit.quantize.ranges import Range

LARGEST_WEIGHT = 127  # symmetric: -128 is not used
LARGEST_BIAS = 1 << 28  # leaves the 32-bit accumulator room for the products
_ACTIVATION = {"none": 0, "relu": 1, "relu6": 3}  # the schema's ActivationFunctionType
_SAME, _VALID = 0, 1  # the schema's Padding


@dataclass(frozen=True)
class _Value:
    """A tensor of the file with what the next operation needs to know."""

    number: int
    scale: np.float32
    zero_point: int


def write(
    nodes: Sequence[Node],
    ranges: Sequence[Range],
    input_shape: tuple[int, ...],
    input_scale: float,
    input_zero_point: int,
    metadata: Mapping[str, bytes],
) -> bytes:
    """Return the .tflite.

    Parameters
    ----------
    nodes, ranges : sequences of equal length
        The operations and the ranges of their outputs.
    input_shape : tuple of int
        Without the batch; the model has batch 1.
    input_scale, input_zero_point : float, int
        The input's quantization, which is given and not calibrated.
    metadata : mapping
        Named pieces of data that travel in the file.
    """
    writer = TfliteWriter()
    scale = np.float32(input_scale)
    shape = (1, *input_shape)
    first = writer.tensor("features", shape, np.int8, scale=scale, zero_point=input_zero_point)
    value = _Value(first, scale, input_zero_point)
    for node, span in zip(nodes, ranges, strict=True):
        if isinstance(node, Linear):
            value = _linear(writer, node, value, *_asymmetric(span))
        elif isinstance(node, Softmax):
            after = _output(writer, node, np.float32(1 / 256), -128)
            writer.op("SOFTMAX", [value.number], [after.number], "SoftmaxOptions", beta=1.0)
            value = after
        else:
            after = _output(writer, node, value.scale, value.zero_point)
            if isinstance(node, Pool):
                _pool(writer, node, value, after)
            else:
                shape_of = writer.constant(
                    f"{node.name}/shape", np.array([1, *node.shape], np.int32)
                )
                writer.op(
                    "RESHAPE",
                    [value.number, shape_of],
                    [after.number],
                    "ReshapeOptions",
                    newShape=np.array([1, *node.shape], np.int32),
                )
            value = after
    writer.metadata(metadata)
    return writer.build([first], [value.number])


def _asymmetric(span: Range) -> tuple[np.float32, int]:
    """Return scale and zero point with which -128..127 covers the range, 0 exactly."""
    scale = np.float32((span.high - span.low) / 255) or np.float32(1)
    zero_point = round(-128 - span.low / float(scale))
    return scale, max(-128, min(127, zero_point))


def _linear(
    writer: TfliteWriter, node: Linear, before: _Value, scale: np.float32, zero_point: int
) -> _Value:
    weights, scales = _quantize_weights(node, before.scale)
    bias_scales = before.scale * scales
    bias = np.round(node.bias / bias_scales.astype(np.float64)).astype(np.int32)
    filter_number = writer.constant(f"{node.name}/filter", weights, scale=scales, axis=node.axis)
    bias_number = writer.constant(f"{node.name}/bias", bias, scale=bias_scales)
    after = _output(writer, node, scale, zero_point)
    inputs, outputs = [before.number, filter_number, bias_number], [after.number]
    activation = _ACTIVATION[node.activation]
    if node.kind == "dense":
        writer.op(
            "FULLY_CONNECTED",
            inputs,
            outputs,
            "FullyConnectedOptions",
            version=4,
            fusedActivationFunction=activation,
        )
        return after
    window = {
        "padding": _SAME if node.same else _VALID,
        "strideH": node.strides[0],
        "strideW": node.strides[1],
        "dilationHFactor": 1,
        "dilationWFactor": 1,
        "fusedActivationFunction": activation,
    }
    if node.kind == "conv2d":
        writer.op("CONV_2D", inputs, outputs, "Conv2DOptions", version=3, **window)
    else:
        window["depthMultiplier"] = node.depth_multiplier
        writer.op(
            "DEPTHWISE_CONV_2D", inputs, outputs, "DepthwiseConv2DOptions", version=3, **window
        )
    return after


def _quantize_weights(
    node: Linear, input_scale: np.float32
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 weights and their scales, float32 (O,).

    A scale is never so small that the bias would not fit its integer.
    """
    others = tuple(axis for axis in range(node.weights.ndim) if axis != node.axis)
    largest = np.abs(node.weights).max(axis=others).astype(np.float64)
    for_bias = np.abs(node.bias) / (float(input_scale) * LARGEST_BIAS)
    scales = np.maximum(largest / LARGEST_WEIGHT, for_bias)
    scales = np.where(scales > 0, scales, 1.0).astype(np.float32)
    weights = np.round(node.weights / np.expand_dims(scales, others))
    weights = np.clip(weights, -LARGEST_WEIGHT, LARGEST_WEIGHT)
    return weights.astype(np.int8), scales


def _pool(writer: TfliteWriter, node: Pool, before: _Value, after: _Value) -> None:
    writer.op(
        "AVERAGE_POOL_2D" if node.kind == "average" else "MAX_POOL_2D",
        [before.number],
        [after.number],
        "Pool2DOptions",
        version=2,
        padding=_SAME if node.same else _VALID,
        strideH=node.strides[0],
        strideW=node.strides[1],
        filterHeight=node.size[0],
        filterWidth=node.size[1],
    )


def _output(writer: TfliteWriter, node: Node, scale: np.float32, zero_point: int) -> _Value:
    number = writer.tensor(node.name, (1, *node.shape), np.int8, scale=scale, zero_point=zero_point)
    return _Value(number, scale, zero_point)
