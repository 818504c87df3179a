"""Which integers stand for which numbers: scales and zero points of activations and weights.

Scheme (Jacob et al., arXiv 1712.05877; TensorFlow Lite's quantization specification): int8
activations with one scale and zero point, int8 weights symmetric per output channel, int32 biases
of scale input * weight. `wide` is the 16x8 scheme: the activations between the model's input and
its output are int16, symmetric, and biases int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.errors import ModelError
from tinykit.quantize.nodes import INPUT, Curve, Linear, Lstm, Node, Softmax
from tinykit.quantize.ranges import Range

LARGEST_WEIGHT = 127  # symmetric: -128 is not used
LARGEST_BIAS = 1 << 28  # leaves the 32-bit accumulator room for the products
CELL_SCALE = 2.0**-11
"""Of an LSTM's int16 cell: it saturates at 16, where its tanh has long been 1."""

WIDE_INPUT = 128.0
"""Steps of a wide input in one of the int8 input: 255 of them, from any zero point, fit int16."""


@dataclass(frozen=True)
class Quantization:
    """real = (integer - zero_point) * scale."""

    scale: np.float32
    zero_point: int


PROBABILITY = Quantization(np.float32(1 / 256), -128)
SIGNED_UNIT = Quantization(np.float32(1 / 128), 0)
WIDE_UNIT = Quantization(np.float32(1 / 32768), 0)  # of both, in int16


def quantizations(
    nodes: Sequence[Node], ranges: Sequence[Range], given: Quantization, wide: bool = False
) -> list[Quantization]:
    """Return the quantization of each node's output: that of its group."""
    found = prescribed(nodes, ranges, given, wide)
    for span in ranges:
        found.setdefault(span.group, _symmetric(span) if wide else _asymmetric(span))
    return [found[span.group] for span in ranges]


def prescribed(
    nodes: Sequence[Node], ranges: Sequence[Range], given: Quantization, wide: bool = False
) -> dict[int, Quantization]:
    """Return the quantization of each group that calibration has no say in, the input's included.

    Raises
    ------
    ModelError
        When one group would need two.
    """
    found: dict[int, Quantization] = {INPUT: given}
    for node, span in zip(nodes, ranges, strict=True):
        fixed = _fixed(node, wide)
        if fixed is not None and found.setdefault(span.group, fixed) != fixed:
            raise ModelError(
                f"layer {node.name!r}: its output has the scale {fixed.scale:g} by definition, and "
                f"is joined with values of scale {found[span.group].scale:g}",
                "put a convolution or dense layer between them",
            )
    return found


def _fixed(node: Node, wide: bool) -> Quantization | None:
    """Return the quantization that an operation's definition prescribes for its output."""
    if wide:
        return WIDE_UNIT if isinstance(node, Softmax | Curve | Lstm) else None
    if isinstance(node, Softmax) or (isinstance(node, Curve) and node.kind == "logistic"):
        return PROBABILITY
    if isinstance(node, Lstm) or (isinstance(node, Curve) and node.kind == "tanh"):
        return SIGNED_UNIT
    return None


def _asymmetric(span: Range) -> Quantization:
    """Return the quantization with which -128..127 covers the range, 0 exactly."""
    scale = np.float32((span.high - span.low) / 255) or np.float32(1)
    zero_point = round(-128 - span.low / float(scale))
    return Quantization(scale, max(-128, min(127, zero_point)))


def _symmetric(span: Range) -> Quantization:
    """Return the quantization with which -32767..32767 covers the range."""
    return Quantization(np.float32(max(span.high, -span.low) / 32767) or np.float32(1), 0)


def quantized_weights(
    node: Linear, input_scale: np.float32
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 weights and their scales, float32 (O,).

    A scale is never so small that the bias would not fit its integer.
    """
    others = tuple(axis for axis in range(node.weights.ndim) if axis != node.axis)
    (wanted,) = weight_scales(node)
    for_bias = np.abs(node.bias) / (float(input_scale) * LARGEST_BIAS)
    scales = np.maximum(wanted.astype(np.float64), for_bias).astype(np.float32)
    return rounded(node.weights, np.expand_dims(scales, others)), scales


def weight_scales(node: Linear | Lstm) -> tuple[NDArray[np.float32], ...]:
    """Return the scales of each matrix: learned, or those with which the largest weight is 127.

    Those of a linear operation are (output channels,); the two matrices of an LSTM have one for
    each gate, (4,).
    """
    if node.scales:
        return node.scales
    if isinstance(node, Linear):
        others = tuple(axis for axis in range(node.weights.ndim) if axis != node.axis)
        found = [np.abs(node.weights).max(axis=others)]
    else:
        found = [
            np.array([np.abs(gate).max() for gate in np.split(matrix, 4)])
            for matrix in (node.kernel, node.recurrent)
        ]
    scales = [largest.astype(np.float64) / LARGEST_WEIGHT for largest in found]
    return tuple(np.where(scale > 0, scale, 1.0).astype(np.float32) for scale in scales)


def rounded(weights: NDArray[np.float32], scale: Any) -> NDArray[np.int8]:
    """Return weights as integers of a scale, symmetric."""
    return np.clip(np.round(weights / scale), -LARGEST_WEIGHT, LARGEST_WEIGHT).astype(np.int8)
