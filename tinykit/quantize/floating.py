"""The folded operations computed in float: what quantization approximates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tinykit.quantize.fold import Linear, Node, Pool, Softmax

Float = NDArray[np.float32]


def run(nodes: Sequence[Node], x: Float) -> Iterator[Float]:
    """Yield the output of each node, float32 (N, *node.shape), for inputs (N, *input shape)."""
    for node in nodes:
        x = _compute(node, x)
        yield x


def _compute(node: Node, x: Float) -> Float:
    if isinstance(node, Linear):
        return _activate(_multiply(node, x) + node.bias, node.activation)
    if isinstance(node, Pool):
        return _pool(node, x)
    if isinstance(node, Softmax):
        terms = np.exp(x - x.max(axis=-1, keepdims=True))
        return terms / terms.sum(axis=-1, keepdims=True)
    return x.reshape(len(x), *node.shape)


def _multiply(node: Linear, x: Float) -> Float:
    if node.kind == "dense":
        return x.reshape(len(x), -1) @ node.weights.T
    _, rows, columns, _ = node.weights.shape
    windows = _windows(x, (rows, columns), node.strides, node.same, 0.0)
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
    x: Float, size: tuple[int, int], strides: tuple[int, int], same: bool, fill: float
) -> Float:
    """Return every window of (N, H, W, C) as (N, out H, out W, C, *size)."""
    if same:  # TensorFlow's rule: the odd one goes after
        pads = [(0, 0)]
        for length, kernel, stride in zip(x.shape[1:3], size, strides, strict=True):
            total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, [*pads, (0, 0)], constant_values=np.float32(fill))
    windows = sliding_window_view(x, size, axis=(1, 2))
    return windows[:, :: strides[0], :: strides[1]]


def _activate(x: Float, activation: str) -> Float:
    if activation == "none":
        return x
    return np.clip(x, 0, 6 if activation == "relu6" else None)
