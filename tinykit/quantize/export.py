"""Folded operations and their ranges as a full-integer .tflite.

Scheme (Jacob et al., arXiv 1712.05877; TensorFlow Lite's quantization specification): int8
activations with one scale and zero point, int8 weights symmetric per output channel, int32 biases
of scale input * weight. `wide` is the 16x8 scheme: the activations between the model's input and
its output are int16, symmetric, and biases int64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.writer import TfliteWriter
from tinykit.errors import ModelError
from tinykit.quantize.nodes import (
    INPUT,
    Binary,
    Concat,
    Constant,
    Curve,
    Keep,
    Linear,
    Lstm,
    Node,
    Pool,
    Remember,
    Reshape,
    Slice,
    Softmax,
)
from tinykit.quantize.ranges import Range

LARGEST_WEIGHT = 127  # symmetric: -128 is not used
LARGEST_BIAS = 1 << 28  # leaves the 32-bit accumulator room for the products
CELL_SCALE = 2.0**-11
"""Of an LSTM's int16 cell: it saturates at 16, where its tanh has long been 1."""

_ACTIVATION = {"none": 0, "relu": 1, "relu6": 3, "tanh": 4}  # the schema's ActivationFunctionType
_SAME, _VALID = 0, 1  # the schema's Padding


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


@dataclass(frozen=True)
class _Value:
    """A tensor of the file with what the next operation needs to know."""

    number: int
    quantization: Quantization

    @property
    def scale(self) -> np.float32:
        return self.quantization.scale


def write(
    nodes: Sequence[Node],
    ranges: Sequence[Range],
    input_shape: tuple[int, ...],
    input_scale: float,
    input_zero_point: int,
    metadata: Mapping[str, bytes],
    *,
    wide: bool = False,
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
    wide : bool
        Whether activations are int16. The input is int8 all the same, the output then int16.
    """
    given = Quantization(np.float32(input_scale), input_zero_point)
    export = _Export(nodes, given, ranges, wide)
    first = export.tensor("features", input_shape, given, np.int8)
    export.values[INPUT] = export.widened(first, input_shape) if wide else first
    for number, node in enumerate(nodes):
        export.values[number] = _WRITE[type(node)](export, number, node)
    export.writer.metadata(metadata)
    return export.writer.build([first.number], [export.values[len(nodes) - 1].number])


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


class _Export:
    """The file being written: the values so far, and each constant once."""

    def __init__(
        self, nodes: Sequence[Node], given: Quantization, ranges: Sequence[Range], wide: bool
    ) -> None:
        self.writer = TfliteWriter()
        self.nodes = nodes
        self.dtype: Any = np.int16 if wide else np.int8  # of activations
        self.bias: Any = np.int64 if wide else np.int32
        self.input = Quantization(np.float32(given.scale / WIDE_INPUT), 0) if wide else given
        self.quantizations = quantizations(nodes, ranges, self.input, wide)
        self.values: dict[int, _Value] = {}
        self.states: dict[str, int] = {}  # handles of variables
        self._constants: dict[tuple[Any, ...], int] = {}

    def widened(self, first: _Value, shape: tuple[int, ...]) -> _Value:
        """Add the op that makes int16 of the input, exactly."""
        after = self.tensor("wide_features", shape, self.input)
        self.writer.op("QUANTIZE", [first.number], [after.number], "QuantizeOptions")
        return after

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        quantization: Quantization,
        dtype: Any = None,
    ) -> _Value:
        number = self.writer.tensor(
            name,
            (1, *shape),
            dtype or self.dtype,
            scale=quantization.scale,
            zero_point=quantization.zero_point,
        )
        return _Value(number, quantization)

    def constant(self, name: str, data: NDArray[Any], **quantization: Any) -> int:
        """Return the number of a constant; the same values and scales are the same tensor."""
        scale = np.asarray(quantization.get("scale", 0), np.float32)
        key = (data.dtype.str, data.shape, data.tobytes(), scale.tobytes())
        if key not in self._constants:
            self._constants[key] = self.writer.constant(name, data, **quantization)
        return self._constants[key]

    def integers(self, name: str, values: Sequence[int]) -> int:
        return self.constant(name, np.array(values, np.int32))

    def inputs(self, node: Node) -> list[_Value]:
        return [self.values[key] for key in node.inputs]

    def op(
        self,
        number: int,
        builtin: str,
        parameters: Sequence[int | None],
        options: str = "",
        *,
        version: int = 1,
        **values: Any,
    ) -> _Value:
        """Add the op of node `number`, which reads the node's inputs and then `parameters`."""
        node = self.nodes[number]
        after = self.tensor(node.name, node.shape, self.quantizations[number])
        reads = [value.number for value in self.inputs(node)]
        self.writer.op(
            builtin, [*reads, *parameters], [after.number], options, version=version, **values
        )
        return after


def _linear(export: _Export, number: int, node: Linear) -> _Value:
    (before,) = export.inputs(node)
    weights, scales = _quantize_weights(node, before.scale)
    bias_scales = before.scale * scales
    bias = np.round(node.bias / bias_scales.astype(np.float64)).astype(export.bias)
    parameters = [
        export.constant(f"{node.name}/filter", weights, scale=scales, axis=node.axis),
        export.constant(f"{node.name}/bias", bias, scale=bias_scales),
    ]
    activation = _ACTIVATION[node.activation]
    if node.kind == "dense":
        return export.op(
            number,
            "FULLY_CONNECTED",
            parameters,
            "FullyConnectedOptions",
            version=4,
            fusedActivationFunction=activation,
        )
    window = {
        "padding": _SAME if node.same else _VALID,
        "strideH": node.strides[0],
        "strideW": node.strides[1],
        "dilationHFactor": node.dilation[0],
        "dilationWFactor": node.dilation[1],
        "fusedActivationFunction": activation,
    }
    if node.kind == "conv2d":
        return export.op(number, "CONV_2D", parameters, "Conv2DOptions", version=3, **window)
    window["depthMultiplier"] = node.depth_multiplier
    options = "DepthwiseConv2DOptions"
    return export.op(number, "DEPTHWISE_CONV_2D", parameters, options, version=3, **window)


def _quantize_weights(
    node: Linear, input_scale: np.float32
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 weights and their scales, float32 (O,).

    A scale is never so small that the bias would not fit its integer.
    """
    others = tuple(axis for axis in range(node.weights.ndim) if axis != node.axis)
    (wanted,) = weight_scales(node)
    for_bias = np.abs(node.bias) / (float(input_scale) * LARGEST_BIAS)
    scales = np.maximum(wanted.astype(np.float64), for_bias).astype(np.float32)
    return _rounded(node.weights, np.expand_dims(scales, others)), scales


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


def _rounded(weights: NDArray[np.float32], scale: Any) -> NDArray[np.int8]:
    return np.clip(np.round(weights / scale), -LARGEST_WEIGHT, LARGEST_WEIGHT).astype(np.int8)


def _pool(export: _Export, number: int, node: Pool) -> _Value:
    return export.op(
        number,
        "AVERAGE_POOL_2D" if node.kind == "average" else "MAX_POOL_2D",
        [],
        "Pool2DOptions",
        version=2,
        padding=_SAME if node.same else _VALID,
        strideH=node.strides[0],
        strideW=node.strides[1],
        filterHeight=node.size[0],
        filterWidth=node.size[1],
    )


def _reshape(export: _Export, number: int, node: Reshape) -> _Value:
    shape = np.array([1, *node.shape], np.int32)
    parameters = [export.integers(f"{node.name}/shape", [1, *node.shape])]
    return export.op(number, "RESHAPE", parameters, "ReshapeOptions", newShape=shape)


def _softmax(export: _Export, number: int, node: Softmax) -> _Value:
    return export.op(number, "SOFTMAX", [], "SoftmaxOptions", beta=1.0)


def _binary(export: _Export, number: int, node: Binary) -> _Value:
    name = node.kind.capitalize()
    activation = _ACTIVATION[node.activation]
    return export.op(
        number,
        node.kind.upper(),
        [],
        f"{name}Options",
        version=2,
        fusedActivationFunction=activation,
    )


def _concat(export: _Export, number: int, node: Concat) -> _Value:
    axis = node.axis % len(node.shape) + 1  # the batch included
    return export.op(number, "CONCATENATION", [], "ConcatenationOptions", version=2, axis=axis)


def _slice(export: _Export, number: int, node: Slice) -> _Value:
    begin, size = [0, *node.begin], [1, *node.shape]
    parameters = [
        export.integers(f"{node.name}/begin", begin),
        export.integers(f"{node.name}/end", [a + b for a, b in zip(begin, size, strict=True)]),
        export.integers(f"{node.name}/strides", [1] * len(begin)),
    ]
    return export.op(number, "STRIDED_SLICE", parameters, "StridedSliceOptions", version=2)


def _curve(export: _Export, number: int, node: Curve) -> _Value:
    return export.op(number, node.kind.upper(), [], version=2)


def _constant(export: _Export, number: int, node: Constant) -> _Value:
    quantization = export.quantizations[number]
    data = np.round(node.value / quantization.scale) + quantization.zero_point
    key = export.constant(
        node.name,
        data.astype(export.dtype)[None],
        scale=quantization.scale,
        zero_point=quantization.zero_point,
    )
    return _Value(key, quantization)


def _remember(export: _Export, number: int, node: Remember) -> _Value:
    """Read a variable that begins with real zeros."""
    after = export.tensor(node.name, node.shape, export.quantizations[number])
    quantization = after.quantization
    zeros = np.full((1, *node.shape), quantization.zero_point, export.dtype)
    export.states[node.tie] = export.writer.variable(
        node.tie, zeros, scale=quantization.scale, zero_point=quantization.zero_point
    )
    export.writer.op(
        "READ_VARIABLE", [export.states[node.tie]], [after.number], "ReadVariableOptions"
    )
    return after


def _keep(export: _Export, number: int, node: Keep) -> _Value:
    (value,) = export.inputs(node)
    export.writer.op(
        "ASSIGN_VARIABLE", [export.states[node.tie], value.number], [], "AssignVariableOptions"
    )
    return value


def _lstm(export: _Export, number: int, node: Lstm) -> _Value:
    """Write the fused op: one scale per matrix of a gate, and an int16 cell."""
    (before,) = export.inputs(node)
    units = node.shape[-1]
    state = export.quantizations[number]
    filters: list[int] = []
    biases: list[int] = []
    matrices = ((before.scale, node.kernel), (state.scale, node.recurrent))
    for (source, matrix), scales in zip(matrices, weight_scales(node), strict=True):
        for gate, weights, scale in zip(_GATES, np.split(matrix, 4), scales, strict=True):
            what = f"{node.name}/{'input' if matrix is node.kernel else 'state'}_{gate}"
            filters.append(export.writer.constant(what, _rounded(weights, scale), scale=scale))
            if matrix is node.kernel:
                bias = np.split(node.bias, 4)[len(biases)]
                data = np.round(bias / (float(source) * float(scale))).astype(export.bias)
                biases.append(export.writer.constant(f"{what}_bias", data, scale=source * scale))
    hidden = export.writer.tensor(
        f"{node.name}/state",
        (1, units),
        export.dtype,
        scale=state.scale,
        zero_point=state.zero_point,
        variable=True,
    )
    cell = export.writer.tensor(
        f"{node.name}/cell", (1, units), np.int16, scale=CELL_SCALE, variable=True
    )
    steps, depth = node.shape[0], node.kernel.shape[1]
    rows = export.tensor(f"{node.name}/rows", (steps, depth), before.quantization)
    answers = export.tensor(f"{node.name}/answers", (steps, units), state)
    _view(export, before.number, rows.number, (steps, depth))
    export.writer.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        [
            rows.number,
            *filters,
            *(None, None, None),  # peepholes
            *biases,
            *(None, None),  # projection
            *(hidden, cell),
            *(None, None, None, None),  # layer normalization
        ],
        [answers.number],
        "UnidirectionalSequenceLSTMOptions",
        fusedActivationFunction=_ACTIVATION["tanh"],
        cellClip=0.0,
        timeMajor=False,
    )
    after = export.tensor(node.name, node.shape, state)
    _view(export, answers.number, after.number, node.shape)
    return after


_GATES = ("input", "forget", "cell", "output")


def _view(export: _Export, source: int, target: int, shape: tuple[int, ...]) -> None:
    """Read (steps, 1, channels) as (steps, channels), or back."""
    sizes = [1, *shape]
    parameter = export.integers("shape", sizes)
    export.writer.op(
        "RESHAPE",
        [source, parameter],
        [target],
        "ReshapeOptions",
        newShape=np.array(sizes, np.int32),
    )


_WRITE: dict[type, Callable[[_Export, int, Any], _Value]] = {
    Linear: _linear,
    Pool: _pool,
    Reshape: _reshape,
    Softmax: _softmax,
    Binary: _binary,
    Concat: _concat,
    Slice: _slice,
    Curve: _curve,
    Constant: _constant,
    Lstm: _lstm,
    Remember: _remember,
    Keep: _keep,
}
