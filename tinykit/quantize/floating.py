"""The folded operations computed in float: what quantization approximates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

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
    Slice,
    Softmax,
)

Float = NDArray[np.float32]


States = dict[str, Float]
"""What is kept between inferences, by the `tie` of a `Keep` or the name of an `Lstm`."""


def run(nodes: Sequence[Node], x: Float, states: States | None = None) -> Iterator[Float]:
    """Yield the output of each node, float32 (N, *node.shape), for inputs (N, *input shape).

    The inference begins with `states`, and leaves there those for the next one; without them it
    begins with zeros.
    """
    states = {} if states is None else states
    last_read = {key: number for number, node in enumerate(nodes) for key in node.inputs}
    values = {INPUT: x}
    for number, node in enumerate(nodes):
        values[number] = _compute(node, [values[key] for key in node.inputs], len(x), states)
        yield values[number]
        for key in {*node.inputs, number}:
            if last_read.get(key, number) == number:
                del values[key]


def _compute(node: Node, inputs: list[Float], count: int, states: States) -> Float:
    if isinstance(node, Constant):
        return np.broadcast_to(node.value, (count, *node.shape))
    if isinstance(node, Remember):
        return states.get(node.tie, np.zeros((count, *node.shape), np.float32))
    x = inputs[0]
    if isinstance(node, Keep):
        states[node.tie] = x
        return x
    if isinstance(node, Linear):
        return _activate(_multiply(node, x) + node.bias, node.activation)
    if isinstance(node, Pool):
        return _pool(node, x)
    if isinstance(node, Softmax):
        terms = np.exp(x - x.max(axis=-1, keepdims=True))
        return terms / terms.sum(axis=-1, keepdims=True)
    if isinstance(node, Binary):
        function = {"add": np.add, "sub": np.subtract, "mul": np.multiply}[node.kind]
        return _activate(function(x, inputs[1]), node.activation)
    if isinstance(node, Curve):
        return _CURVES[node.kind](x)
    if isinstance(node, Concat):
        return np.concatenate(inputs, axis=node.axis if node.axis < 0 else node.axis + 1)
    if isinstance(node, Slice):
        sides = zip(node.begin, node.shape, strict=True)
        return x[(slice(None), *(slice(first, first + size) for first, size in sides))]
    if isinstance(node, Lstm):
        return _lstm(node, x, states)
    return x.reshape(len(x), *node.shape)


def _logistic(x: Float) -> Float:
    return (0.5 + 0.5 * np.tanh(0.5 * x)).astype(np.float32)  # never overflows


_CURVES: dict[str, Callable[[Float], Float]] = {"tanh": np.tanh, "logistic": _logistic}


def _lstm(node: Lstm, x: Float, states: States) -> Float:
    steps, _, units = node.shape
    driven = x.reshape(len(x), steps, -1) @ node.kernel.T + node.bias
    state, cell = states.get(node.name, np.zeros((2, len(x), units), np.float32))
    outputs = []
    for step in range(steps):
        gates = driven[:, step] + state @ node.recurrent.T
        enter, forget, new, leave = np.split(gates, 4, axis=1)
        cell = _logistic(forget) * cell + _logistic(enter) * np.tanh(new)
        state = _logistic(leave) * np.tanh(cell)
        outputs.append(state)
    states[node.name] = np.stack([state, cell])
    return np.stack(outputs, axis=1)[:, :, None]


def _multiply(node: Linear, x: Float) -> Float:
    if node.kind == "dense":
        return x.reshape(len(x), -1) @ node.weights.T
    _, rows, columns, _ = node.weights.shape
    windows = _windows(x, (rows, columns), node.strides, node.same, 0.0, node.dilation)
    if node.kind == "depthwise":
        repeat = node.weights.shape[3] // x.shape[3]  # the depth multiplier
        return np.einsum(
            "nijchw,hwc->nijc", np.repeat(windows, repeat, axis=3), node.weights[0], optimize=True
        )
    kernel = node.weights.transpose(0, 3, 1, 2).reshape(len(node.weights), -1)
    return windows.reshape(*windows.shape[:3], -1) @ kernel.T


def _pool(node: Pool, x: Float) -> Float:
    if node.kind == "max":
        return _windows(x, node.size, node.strides, node.same, -np.inf).max(axis=(4, 5))
    total = _windows(x, node.size, node.strides, node.same, 0.0).sum(axis=(4, 5))
    inside = _windows(np.ones_like(x[:1, ..., :1]), node.size, node.strides, node.same, 0.0)
    return total / inside.sum(axis=(4, 5))  # padding does not count


def _windows(
    x: Float,
    size: tuple[int, int],
    strides: tuple[int, int],
    same: bool,
    fill: float,
    dilation: tuple[int, int] = (1, 1),
) -> Float:
    """Return every window of (N, H, W, C) as (N, out H, out W, C, *size)."""
    spans = [(taps - 1) * gap + 1 for taps, gap in zip(size, dilation, strict=True)]
    if same:  # TensorFlow's rule: the odd one goes after
        pads = [(0, 0)]
        for length, span, stride in zip(x.shape[1:3], spans, strides, strict=True):
            total = max((-(-length // stride) - 1) * stride + span - length, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, [*pads, (0, 0)], constant_values=np.float32(fill))
    windows = sliding_window_view(x, spans, axis=(1, 2))[..., :: dilation[0], :: dilation[1]]
    return windows[:, :: strides[0], :: strides[1]]


def _activate(x: Float, activation: str) -> Float:
    if activation == "none":
        return x
    return np.clip(x, 0, 6 if activation == "relu6" else None)
