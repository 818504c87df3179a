"""A Keras chain as the float operations that a .tflite has, in numpy.

Batch normalization is folded into the weights before it, activations are fused into the operation
before them, and layers that do nothing at inference vanish.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.quantize.chain import chain, unsupported
from tinykit.train.backend import keras

Float = NDArray[np.float32]
layers = keras.layers


@dataclass(frozen=True)
class Node:
    """One operation; `shape` is its output's, without the batch."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Linear(Node):
    """Convolution, depthwise convolution or matrix product, with bias and fused activation.

    weights : float32, OHWI for `conv2d`, (1, H, W, C) for `depthwise`, (O, I) for `dense`;
    bias : float32 (O,);  activation : "none", "relu" or "relu6".
    """

    kind: str
    weights: Float
    bias: Float
    strides: tuple[int, int] = (1, 1)
    same: bool = False
    activation: str = "none"
    depth_multiplier: int = 1

    @property
    def axis(self) -> int:
        """Axis of `weights` that is the output channel."""
        return 3 if self.kind == "depthwise" else 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference; taps that fall on the padding count."""
        return int(np.prod(self.shape[:-1], dtype=np.int64)) * self.weights.size


@dataclass(frozen=True)
class Pool(Node):
    """Pooling; `kind` is "average" or "max"."""

    kind: str
    size: tuple[int, int]
    strides: tuple[int, int]
    same: bool = False


@dataclass(frozen=True)
class Reshape(Node):
    """Another shape for the same values."""


@dataclass(frozen=True)
class Softmax(Node):
    """Softmax over the last axis."""


def fold(model: keras.Model) -> list[Node]:
    """Return the operations of `model` in order.

    Raises
    ------
    ModelError
        Naming the layer that has no integer counterpart here.
    """
    nodes: list[Node] = []
    for layer in chain(model):
        for kind, convert in _CONVERT.items():
            if isinstance(layer, kind):
                convert(layer, nodes)
                break
        else:
            raise unsupported(layer)
    return nodes


def _shape(layer: keras.Layer) -> tuple[int, ...]:
    shape = layer.output.shape[1:]
    if None in shape:
        raise unsupported(layer, f"its output shape {tuple(shape)} is not fixed")
    return tuple(int(size) for size in shape)


def _conv2d(layer: Any, nodes: list[Node]) -> None:
    if layer.groups != 1:
        raise unsupported(layer, f"groups={layer.groups}, only 1 is supported")
    _linear(layer, nodes, "conv2d", lambda kernel: kernel.transpose(3, 0, 1, 2))


def _depthwise(layer: Any, nodes: list[Node]) -> None:
    _linear(layer, nodes, "depthwise", lambda kernel: kernel.reshape(1, *kernel.shape[:2], -1))


def _dense(layer: Any, nodes: list[Node]) -> None:
    if len(layer.input.shape) != 2:
        raise unsupported(layer, f"its input has shape {layer.input.shape}: flatten it first")
    if nodes and isinstance(nodes[-1], Reshape):
        nodes.pop()  # a fully connected operation reads any shape as rows
    _linear(layer, nodes, "dense", lambda kernel: kernel.T)


def _linear(layer: Any, nodes: list[Node], kind: str, layout: Callable[[Float], Float]) -> None:
    if set(getattr(layer, "dilation_rate", (1,))) != {1}:
        raise unsupported(layer, f"dilation {layer.dilation_rate} is not supported")
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise unsupported(layer, "data_format must be channels_last")
    kernel = layer.get_weights()[0]
    shape = _shape(layer)
    bias = layer.get_weights()[1] if layer.use_bias else np.zeros(shape[-1], np.float32)
    nodes.append(
        Linear(
            layer.name,
            shape,
            kind,
            np.ascontiguousarray(layout(kernel)),
            bias,
            getattr(layer, "strides", (1, 1)),
            getattr(layer, "padding", "valid") == "same",
            depth_multiplier=getattr(layer, "depth_multiplier", 1),
        )
    )
    _activation(layer, nodes)


def _normalization(layer: Any, nodes: list[Node]) -> None:
    """Fold y = gamma * (x - mean) / sqrt(variance + epsilon) + beta into the weights."""
    last = _last_linear(layer, nodes)
    if layer.axis not in (-1, len(last.shape)):
        raise unsupported(layer, f"it normalizes axis {layer.axis}, not the channels")
    weights = [weight.astype(np.float64) for weight in layer.get_weights()]
    variance, mean = weights.pop(), weights.pop()
    beta = weights.pop() if layer.center else np.zeros_like(mean)
    gamma = weights.pop() if layer.scale else np.ones_like(mean)
    factor = gamma / np.sqrt(variance + layer.epsilon)
    spread = np.expand_dims(factor, [i for i in range(last.weights.ndim) if i != last.axis])
    nodes[-1] = replace(
        last,
        weights=(last.weights * spread).astype(np.float32),
        bias=((last.bias - mean) * factor + beta).astype(np.float32),
    )


def _relu(layer: Any, nodes: list[Node]) -> None:
    names = {None: "relu", 6.0: "relu6"}
    if layer.negative_slope or layer.threshold or layer.max_value not in names:
        raise unsupported(layer, "only plain ReLU and ReLU6 are supported")
    nodes[-1] = replace(_last_linear(layer, nodes), activation=names[layer.max_value])


def _activation(layer: Any, nodes: list[Node]) -> None:
    """Fuse the `activation` of a layer into the operation just made."""
    name = layer.activation.__name__
    if name in ("relu", "relu6"):
        nodes[-1] = replace(_last_linear(layer, nodes), activation=name)
    elif name == "softmax":
        nodes.append(Softmax(f"{layer.name}_softmax", _shape(layer)))
    elif name != "linear":
        raise unsupported(layer, f"activation {name!r} is not supported")


def _last_linear(layer: Any, nodes: list[Node]) -> Linear:
    """Return the operation that `layer` is folded into."""
    last = nodes[-1] if nodes else None
    if not isinstance(last, Linear) or last.activation != "none":
        raise unsupported(layer, "it does not follow a convolution or dense layer directly")
    return last


def _pool(layer: Any, nodes: list[Node]) -> None:
    kind = "max" if isinstance(layer, layers.MaxPooling2D) else "average"
    same = layer.padding == "same"
    nodes.append(Pool(layer.name, _shape(layer), kind, layer.pool_size, layer.strides, same))


def _global_pool(layer: Any, nodes: list[Node]) -> None:
    rows, columns, channels = map(int, layer.input.shape[1:])
    size = (rows, columns)
    nodes.append(Pool(layer.name, (1, 1, channels), "average", size, size))
    if not layer.keepdims:
        nodes.append(Reshape(f"{layer.name}_reshape", (channels,)))


def _reshape(layer: Any, nodes: list[Node]) -> None:
    nodes.append(Reshape(layer.name, _shape(layer)))


def _softmax(layer: Any, nodes: list[Node]) -> None:
    if layer.axis not in (-1, len(_shape(layer))):
        raise unsupported(layer, f"softmax over axis {layer.axis}, only the last is supported")
    nodes.append(Softmax(layer.name, _shape(layer)))


def _nothing(layer: Any, nodes: list[Node]) -> None:
    """Skip a layer that is the identity at inference."""


_CONVERT: dict[type, Callable[[Any, list[Node]], None]] = {
    layers.DepthwiseConv2D: _depthwise,  # before Conv2D, in case it is a subclass
    layers.Conv2D: _conv2d,
    layers.Dense: _dense,
    layers.BatchNormalization: _normalization,
    layers.ReLU: _relu,
    layers.Activation: _activation,
    layers.AveragePooling2D: _pool,
    layers.MaxPooling2D: _pool,
    layers.GlobalAveragePooling2D: _global_pool,
    layers.Flatten: _reshape,
    layers.Reshape: _reshape,
    layers.Softmax: _softmax,
    layers.Dropout: _nothing,
    layers.SpatialDropout2D: _nothing,
}
