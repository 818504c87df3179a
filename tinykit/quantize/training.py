"""Quantization-aware training: the folded operations with every value on its learned integer grid.

The network computes in float what the exported one computes in integers, to a step of rounding now
and then: int8 weights with a scale for each output channel (LSTM: for each gate), int8 activations,
the cell of an LSTM in int16; `wide`, int16 activations. Weights, scales and zero points are
trained, from where calibration put them; `learned` gives them back to be exported as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.errors import ModelError
from tinykit.quantize import scheme
from tinykit.quantize.fake import INT8, INT16, WEIGHT, quantized, slowed
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
from tinykit.quantize.scheme import CELL_SCALE, Quantization
from tinykit.train.backend import keras
from tinykit.train.carry import scan

ops = keras.ops
Quantized = dict[int, tuple[list[Any], Any]]
"""Matrices and bias of each operation that has them, by `_key`."""

GATE_SCALE = 2.0**-12
"""Of what goes into the curves of an LSTM, int16: it saturates at 8."""


class FakeQuantized(keras.Model):
    """The network as it will compute once exported: (N, *input shape) -> (N, *output shape).

    Parameters
    ----------
    nodes, ranges : sequences of equal length
        The folded operations and the calibrated ranges of their outputs.
    given : Quantization
        That of the int8 input, which is fixed.
    wide : bool
        Whether activations are int16.
    frames : bool
        Whether the operations are those of one frame, with states that are kept; then it is
        (N, frames, *input shape) -> (N, frames, *output shape), from states of zero.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        ranges: Sequence[Range],
        given: Quantization,
        *,
        wide: bool = False,
        frames: bool = False,
    ) -> None:
        super().__init__(name="fake_quantized")
        self.nodes, self.ranges = list(nodes), list(ranges)
        self.given, self.wide, self.frames = given, wide, frames
        self.limits = INT16 if wide else INT8
        self.start = scheme.quantizations(nodes, ranges, given, wide)
        prescribed = scheme.prescribed(nodes, ranges, given, wide)
        self._grids: dict[int, _Grid] = {}
        for span, start in zip(ranges, self.start, strict=True):
            if span.group not in prescribed and span.group not in self._grids:
                name = f"values_{span.group}"
                self._grids[span.group] = _Grid(self, name, start, self.limits)
        self._weights: dict[int, _Weights] = {}
        for node in nodes:
            if isinstance(node, Linear | Lstm) and _key(node) not in self._weights:
                self._weights[_key(node)] = _Weights(self, node)

    def get_config(self) -> dict[str, Any]:
        """Return what identifies the network to be trained; it is never loaded from it."""
        return {"operations": [node.name for node in self.nodes], "wide": self.wide}

    def call(self, x: Any) -> Any:
        """Return the output of the last operation."""
        weights = {key: one() for key, one in self._weights.items()}  # once for all frames
        if not self.frames:
            return self._infer(x, weights, {})
        output = self.nodes[-1].shape
        states = self._state_shapes()
        shapes = [output, *states.values()]

        def step(before: list[Any], frame: Any) -> list[Any]:
            kept = dict(zip(states, before[1:], strict=True))
            answer = self._infer(frame, weights, kept)
            return [answer, *(kept[name] for name in states)]

        start = [ops.zeros((ops.shape(x)[0], *shape)) for shape in shapes]
        return scan(step, start, x, shapes)[0]

    def learned(self) -> tuple[list[Node], list[Range]]:
        """Return the operations with the trained weights and scales, and the trained ranges."""
        nodes = [
            self._weights[_key(node)].onto(node) if isinstance(node, Linear | Lstm) else node
            for node in self.nodes
        ]
        ranges = [
            self._grids[span.group].range(span.group) if span.group in self._grids else span
            for span in self.ranges
        ]
        return nodes, ranges

    def _state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of what is kept from frame to frame, by tie or name."""
        found = {node.tie: node.shape for node in self.nodes if isinstance(node, Remember)}
        for node in self.nodes:
            if isinstance(node, Lstm):
                found[node.name] = (2 * node.shape[-1],)
        return found

    def _infer(self, x: Any, weights: Quantized, states: dict[str, Any]) -> Any:
        """Return the output of one inference; `states` are those before, and then those after."""
        values = {INPUT: quantized(x, float(self.given.scale), float(self.given.zero_point), INT8)}
        for number, node in enumerate(self.nodes):
            inputs = [values[key] for key in node.inputs]
            if isinstance(node, Lstm):
                values[number] = self._lstm(node, inputs[0], weights[_key(node)], states)
            elif isinstance(node, Remember):
                values[number] = states[node.tie]
            elif isinstance(node, Keep):
                values[number] = states[node.tie] = inputs[0]
            elif isinstance(node, Reshape | Slice | Concat):  # on the grid of what they move
                values[number] = _compute(node, inputs)
            else:
                linear = weights[_key(node)] if isinstance(node, Linear) else None
                values[number] = self._on_grid(number, _compute(node, inputs, linear))
        return values[len(self.nodes) - 1]

    def _on_grid(self, number: int, x: Any) -> Any:
        grid = self._grids.get(self.ranges[number].group)
        if grid is not None:
            return grid(x)
        fixed = self.start[number]
        return quantized(x, float(fixed.scale), float(fixed.zero_point), self.limits)

    def _lstm(self, node: Lstm, x: Any, weights: Any, states: dict[str, Any]) -> Any:
        """Return all states. Cell and gates are int16, as TensorFlow Lite Micro has them."""
        (kernel, recurrent), bias = weights
        steps, _, units = node.shape
        x = ops.reshape(x, (-1, steps, node.kernel.shape[1]))
        driven = _gates(ops.matmul(x, ops.transpose(kernel)) + bias)
        turned = ops.transpose(recurrent)
        unit = float((scheme.WIDE_UNIT if self.wide else scheme.SIGNED_UNIT).scale)

        def step(before: list[Any], drive: Any) -> list[Any]:
            hidden, cell = ops.split(before[0], 2, axis=-1)
            gates = _gates(drive + _gates(ops.matmul(hidden, turned)))
            enter, forget, new, leave = ops.split(gates, 4, axis=-1)
            cell = ops.sigmoid(forget) * cell + ops.sigmoid(enter) * ops.tanh(new)
            cell = quantized(cell, CELL_SCALE, 0.0, INT16)
            hidden = quantized(ops.sigmoid(leave) * ops.tanh(cell), unit, 0.0, self.limits)
            return [ops.concatenate([hidden, cell], axis=-1)]

        before = states.get(node.name, ops.zeros_like(driven[:, 0, : 2 * units]))
        if steps == 1:
            (after,) = step([before], driven[:, 0])
            found = after[:, None]
        else:
            (found,) = scan(step, [before], driven, [(2 * units,)])
        states[node.name] = found[:, -1]
        return found[:, :, None, :units]


class _Grid:
    """The learned scale and zero point of a value. The scale is kept as its logarithm: above 0."""

    def __init__(
        self, model: keras.Model, name: str, start: Quantization, limits: tuple[int, int]
    ) -> None:
        self.limits = limits
        self.scale = _variable(model, f"{name}_scale", np.log(float(start.scale)))
        self.zero_point = _variable(model, f"{name}_zero_point", float(start.zero_point))
        self.zero_point.trainable = limits == INT8  # int16 is symmetric

    def __call__(self, x: Any) -> Any:
        count = int(np.prod([size for size in x.shape[1:] if size is not None], dtype=np.int64))
        high = self.limits[1]
        scale, zero = (slowed(v.value, count, high) for v in (self.scale, self.zero_point))
        return quantized(x, ops.exp(scale), ops.clip(zero, *self.limits), self.limits)

    def range(self, group: int) -> Range:
        """Return the real values that calibration would have had to find."""
        low, high = INT8 if self.limits == INT8 else (-INT16[1], INT16[1])
        scale = float(np.exp(_array(self.scale)))
        zero = float(np.clip(np.round(_array(self.zero_point)), *self.limits))
        return Range(scale * (low - zero), scale * (high - zero), group)


class _Weights:
    """The weights of an operation, their learned scales, and its bias."""

    def __init__(self, model: keras.Model, node: Linear | Lstm) -> None:
        self.matrices, self.scales = [], []
        self.axis = node.axis if isinstance(node, Linear) else 0
        for index, (matrix, scale) in enumerate(
            zip(_matrices(node), scheme.weight_scales(node), strict=True)
        ):
            name = f"{node.name}_{index}"
            self.matrices.append(_variable(model, name, matrix))
            self.scales.append(_variable(model, f"{name}_scale", np.log(scale)))
        self.bias = _variable(model, f"{node.name}_bias", node.bias)

    def __call__(self) -> tuple[list[Any], Any]:
        """Return the matrices on their grids, and the bias."""
        found = []
        for matrix, logarithm in zip(self.matrices, self.scales, strict=True):
            rows, scales = matrix.shape[self.axis], logarithm.shape[0]
            count = int(np.prod(matrix.shape)) // scales
            scale = ops.exp(slowed(logarithm.value, count, WEIGHT[1]))
            shape = [1] * len(matrix.shape)
            shape[self.axis] = rows
            scale = ops.reshape(ops.repeat(scale, rows // scales), shape)
            found.append(quantized(matrix.value, scale, 0.0, WEIGHT))
        return found, self.bias.value

    def onto(self, node: Any) -> Any:
        """Return the operation with these weights and scales."""
        matrices = [_array(matrix) for matrix in self.matrices]
        scales = tuple(np.exp(_array(logarithm)) for logarithm in self.scales)
        names = ("weights",) if isinstance(node, Linear) else ("kernel", "recurrent")
        changed = dict(zip(names, matrices, strict=True))
        return replace(node, **changed, bias=_array(self.bias), scales=scales)


def _variable(model: keras.Model, name: str, value: Any) -> keras.Variable:
    start = np.asarray(value, np.float32)
    return model.add_weight(start.shape, initializer=lambda *_, **__: start, name=name)


def _array(variable: keras.Variable) -> NDArray[np.float32]:
    return np.asarray(ops.convert_to_numpy(variable), np.float32)


def _matrices(node: Linear | Lstm) -> list[NDArray[np.float32]]:
    return [node.weights] if isinstance(node, Linear) else [node.kernel, node.recurrent]


def _key(node: Linear | Lstm) -> int:
    """Return what operations that share their weights have in common."""
    return id(_matrices(node)[0])


def _compute(node: Node, inputs: list[Any], weights: Any = None) -> Any:
    """Return the operation's output before it is put on its grid; `weights` are on theirs."""
    if isinstance(node, Constant):
        return ops.expand_dims(ops.convert_to_tensor(node.value), 0)
    x = inputs[0]
    if isinstance(node, Linear):
        (matrix,), bias = weights
        return _activate(_multiply(node, x, matrix) + bias, node.activation)
    if isinstance(node, Pool):
        pool = ops.max_pool if node.kind == "max" else ops.average_pool
        return pool(x, node.size, node.strides, "same" if node.same else "valid")
    if isinstance(node, Binary):
        function = {"add": ops.add, "sub": ops.subtract, "mul": ops.multiply}[node.kind]
        return _activate(function(x, inputs[1]), node.activation)
    if isinstance(node, Curve):
        return ops.tanh(x) if node.kind == "tanh" else ops.sigmoid(x)
    if isinstance(node, Concat):
        return ops.concatenate(inputs, axis=node.axis if node.axis < 0 else node.axis + 1)
    if isinstance(node, Slice):
        sides = zip(node.begin, node.shape, strict=True)
        return x[(slice(None), *(slice(first, first + size) for first, size in sides))]
    if isinstance(node, Softmax):
        return ops.softmax(x)
    if isinstance(node, Reshape):
        return ops.reshape(x, (-1, *node.shape))
    raise ModelError(
        f"operation {node.name!r} ({type(node).__name__}) cannot be trained quantized",
        "quantize it after training",
    )


def _gates(x: Any) -> Any:
    return quantized(x, GATE_SCALE, 0.0, INT16)


def _multiply(node: Linear, x: Any, weights: Any) -> Any:
    if node.kind == "dense":
        return ops.matmul(ops.reshape(x, (-1, node.weights.shape[1])), ops.transpose(weights))
    padding = "same" if node.same else "valid"
    if node.kind == "conv2d":
        if node.weights.shape[1:3] == (1, 1) and node.strides == (1, 1):  # faster, forth and back
            return ops.matmul(x, ops.transpose(weights[:, 0, 0]))
        kernel = ops.transpose(weights, (1, 2, 3, 0))
        return ops.conv(x, kernel, node.strides, padding, dilation_rate=node.dilation)
    kernel = ops.reshape(weights, (*node.weights.shape[1:3], -1, node.depth_multiplier))
    return ops.depthwise_conv(x, kernel, node.strides, padding, dilation_rate=node.dilation)


def _activate(x: Any, activation: str) -> Any:
    if activation == "none":
        return x
    return ops.relu6(x) if activation == "relu6" else ops.relu(x)
