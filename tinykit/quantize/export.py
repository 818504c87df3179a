"""Folded operations and their ranges as a full-integer .tflite, in the scheme of `scheme`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.writer import TfliteWriter
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
from tinykit.quantize.scheme import (
    CELL_SCALE,
    WIDE_INPUT,
    Quantization,
    quantizations,
    quantized_weights,
    rounded,
    weight_scales,
)

_ACTIVATION = {"none": 0, "relu": 1, "relu6": 3, "tanh": 4}  # the schema's ActivationFunctionType
_SAME, _VALID = 0, 1  # the schema's Padding


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
    weights, scales = quantized_weights(node, before.scale)
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
            filters.append(export.writer.constant(what, rounded(weights, scale), scale=scale))
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
