"""A Keras model as the float operations that a .tflite has.

Batch normalization is folded into the weights before it, activations are fused into the operation
before them, and layers that do nothing at inference vanish. The model may branch and join.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tinykit.errors import ModelError
from tinykit.models.enhancers import _layers as streaming
from tinykit.quantize import recurrent, stateful
from tinykit.quantize.chain import unsupported
from tinykit.quantize.nodes import (
    INPUT,
    Binary,
    Concat,
    Curve,
    Float,
    Linear,
    Lstm,
    Node,
    Pool,
    Reshape,
    Slice,
    Softmax,
)
from tinykit.train.backend import keras

layers = keras.layers

STILL = 1e-3
"""Variance, in epsilons of its normalization, below which an input counts as constant."""


def fold(model: keras.Model) -> list[Node]:
    """Return the operations of `model`, each after those that it reads; the last is the output.

    Raises
    ------
    ModelError
        Naming the layer that has no integer counterpart here.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            f"model {model.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} outputs",
            "a model with one input and one output is supported",
        )
    source, steps = layer_steps(model)
    folding = _Folding(Counter(key for _, keys, _ in steps for key in keys))
    folding.number[source] = INPUT
    for layer, reads, writes in steps:
        folding.number[writes] = folding.layer(layer, [folding.number[key] for key in reads], reads)
    if folding.nodes and folding.number[steps[-1][2]] != len(folding.nodes) - 1:
        raise ModelError(f"model {model.name!r}: its output is not the last thing it computes")
    return folding.nodes


Step = tuple[Any, list[int], int]
"""A layer, and which values it reads and writes."""


def layer_steps(model: keras.Model) -> tuple[int, list[Step]]:
    """Return the value that is the input, and the layers in an order in which they can run."""
    if isinstance(model, keras.Sequential):  # its own graph may lack a layer put in by hand
        return 0, [(layer, [i], i + 1) for i, layer in enumerate(model.layers)]
    steps: list[Step] = []
    for operation in model.operations:
        if isinstance(operation, layers.InputLayer):
            continue
        if len(operation._inbound_nodes) != 1:
            raise unsupported(operation, "it is shared: used more than once")
        node = operation._inbound_nodes[0]
        steps.append((operation, [id(v) for v in node.input_tensors], id(node.output_tensors[0])))
    return id(model.inputs[0]), steps


class _Folding:
    """The nodes so far, and which node computes which value."""

    def __init__(self, readers: Counter[int]) -> None:
        self.nodes: list[Node] = []
        self.number: dict[int, int] = {}
        self.readers = readers
        self.reads: list[int] = []

    def layer(self, layer: Any, inputs: list[int], reads: list[int]) -> int:
        """Add the nodes of one layer; return the number of the one that gives its output."""
        self.reads = reads
        for kind, convert in _CONVERT.items():
            if isinstance(layer, kind):
                return convert(self, layer, inputs)
        raise unsupported(layer)

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def follows(self, number: int, kind: type[Node]) -> bool:
        """Whether the value is that of a node of this kind."""
        return number != INPUT and isinstance(self.nodes[number], kind)

    def unscaled(self, number: int, weights: Float) -> tuple[int, Float, Float]:
        """Return the value before a normalization, which `weights` (outputs, inputs) take in.

        Returns the value's number, the weights and what they add to the bias. The normalization
        vanishes when nothing else reads it; any other value is returned as it is.
        """
        last = self.nodes[-1] if number != INPUT and number == len(self.nodes) - 1 else None
        if (
            not isinstance(last, Linear)
            or last.kind != "depthwise"
            or last.weights.shape[1:3] != (1, 1)
            or last.activation != "none"
            or self.readers[self.reads[0]] > 1
        ):
            return number, weights, np.zeros(len(weights), np.float32)
        self.nodes.pop()
        return last.inputs[0], weights * last.weights.reshape(-1), weights @ last.bias

    def before(self, layer: Any, inputs: list[int], kinds: Any, what: str) -> Any:
        """Return the node that `layer` is folded into, of one of `kinds`."""
        node = self.nodes[inputs[0]] if inputs[0] != INPUT else None
        if not isinstance(node, kinds) or node.activation != "none":
            raise unsupported(layer, f"it does not follow {what} directly")
        if self.reads and self.readers[self.reads[0]] > 1:
            raise unsupported(layer, "another layer reads the value before it as well")
        return node


def image(shape: tuple[int | None, ...], layer: Any) -> tuple[int, ...]:
    """Return a Keras shape without the batch, sequences (steps, channels) as (steps, 1, channels).

    Of sequences of any length it is one frame.

    Raises
    ------
    ModelError
        When another size is not fixed.
    """
    sizes = shape[1:]
    if None in sizes[1:]:
        raise unsupported(layer, f"its shape {tuple(sizes)} is not fixed")
    fixed = tuple(1 if size is None else int(size) for size in sizes)
    return (fixed[0], 1, fixed[1]) if len(fixed) == 2 else fixed


def _shape(layer: Any) -> tuple[int, ...]:
    return image(layer.output.shape, layer)


def _pair(values: Any) -> tuple[int, int]:
    """Return what a layer has per axis: (rows, columns); sequences have one column."""
    numbers = (values,) if isinstance(values, int) else tuple(values)
    return (numbers[0], numbers[1] if len(numbers) > 1 else 1)


def _conv(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    if layer.groups != 1:
        raise unsupported(layer, f"groups={layer.groups}, only 1 is supported")
    kernel = layer.get_weights()[0]
    kernel = kernel[:, None] if kernel.ndim == 3 else kernel
    return _linear(folding, layer, inputs, "conv2d", kernel.transpose(3, 0, 1, 2))


def _depthwise(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    kernel = layer.get_weights()[0]
    kernel = kernel[:, None] if kernel.ndim == 3 else kernel
    weights = kernel.reshape(1, *kernel.shape[:2], -1)
    return _linear(folding, layer, inputs, "depthwise", weights)


def _dense(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    kernel = layer.get_weights()[0]
    if len(layer.input.shape) > 2:  # of every step, or every position
        source, kernel, added = folding.unscaled(inputs[0], kernel.T)
        return _linear(folding, layer, [source], "conv2d", kernel[:, None, None], added)
    if inputs[0] != INPUT:
        last = folding.nodes[inputs[0]]
        if isinstance(last, Reshape) and folding.readers[folding.reads[0]] == 1:
            folding.nodes.pop()  # a fully connected operation reads any shape as rows
            inputs = [last.inputs[0]]
    return _linear(folding, layer, inputs, "dense", kernel.T)


def _linear(
    folding: _Folding,
    layer: Any,
    inputs: list[int],
    kind: str,
    weights: Float,
    added: Float | float = 0.0,
) -> int:
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise unsupported(layer, "data_format must be channels_last")
    padding = getattr(layer, "padding", "valid")
    if padding not in ("valid", "same"):
        raise unsupported(layer, f"padding {padding!r}, only 'valid' and 'same' are supported")
    shape = _shape(layer)
    bias = layer.get_weights()[1] if layer.use_bias else np.zeros(shape[-1], np.float32)
    number = folding.add(
        Linear(
            layer.name,
            shape,
            kind,
            np.ascontiguousarray(weights, np.float32),
            (bias + added).astype(np.float32),
            _pair(getattr(layer, "strides", (1, 1))),
            padding == "same",
            depth_multiplier=getattr(layer, "depth_multiplier", 1),
            dilation=_pair(getattr(layer, "dilation_rate", (1, 1))),
            inputs=tuple(inputs),
        )
    )
    return _activation(folding, layer, [number])


def _normalization(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    """Fold y = gamma * (x - mean) / sqrt(variance + epsilon) + beta into the weights.

    Where no weights are before it, it becomes a depthwise product, for what reads it to take in.
    There, a channel that did not vary in training, as an empty band, gives beta whatever comes:
    1 / sqrt(epsilon) among the other factors would take the resolution from all weights.
    """
    first = not folding.follows(inputs[0], Linear)
    if first:
        ones = np.ones((1, 1, 1, layer.input.shape[-1]), np.float32)
        zeros = np.zeros(ones.size, np.float32)
        scaled = Linear(layer.name, _shape(layer), "depthwise", ones, zeros, inputs=tuple(inputs))
        inputs, folding.reads = [folding.add(scaled)], []
    last = folding.before(layer, inputs, Linear, "a convolution or dense layer")
    if layer.axis not in (-1, len(layer.input.shape) - 1):
        raise unsupported(layer, f"it normalizes axis {layer.axis}, not the channels")
    weights = [weight.astype(np.float64) for weight in layer.get_weights()]
    variance, mean = weights.pop(), weights.pop()
    beta = weights.pop() if layer.center else np.zeros_like(mean)
    gamma = weights.pop() if layer.scale else np.ones_like(mean)
    factor = gamma / np.sqrt(variance + layer.epsilon)
    if first:
        factor = np.where(variance < STILL * layer.epsilon, 0.0, factor)
    spread = np.expand_dims(factor, [i for i in range(last.weights.ndim) if i != last.axis])
    folding.nodes[inputs[0]] = replace(
        last,
        weights=(last.weights * spread).astype(np.float32),
        bias=((last.bias - mean) * factor + beta).astype(np.float32),
    )
    return inputs[0]


def _relu(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    names = {None: "relu", 6.0: "relu6"}
    if layer.negative_slope or layer.threshold or layer.max_value not in names:
        raise unsupported(layer, "only plain ReLU and ReLU6 are supported")
    return _fuse(folding, layer, inputs, names[layer.max_value])


def _fuse(folding: _Folding, layer: Any, inputs: list[int], activation: str) -> int:
    what = "a convolution, a dense layer, a sum or a product"
    node = folding.before(layer, inputs, (Linear, Binary), what)
    folding.nodes[inputs[0]] = replace(node, activation=activation)
    return inputs[0]


def _activation(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    """Fuse the `activation` of a layer into the operation just made."""
    name = layer.activation.__name__
    if name in ("relu", "relu6"):
        node = folding.nodes[inputs[0]] if inputs[0] != INPUT else None
        if not isinstance(node, Linear | Binary) or node.activation != "none":
            raise unsupported(layer, "it does not follow a convolution or dense layer directly")
        folding.nodes[inputs[0]] = replace(node, activation=name)
        return inputs[0]
    if name == "softmax":
        return folding.add(
            Softmax(f"{layer.name}_softmax", folding.nodes[inputs[0]].shape, inputs=tuple(inputs))
        )
    if name in ("tanh", "sigmoid"):
        shape = folding.nodes[inputs[0]].shape if inputs[0] != INPUT else _shape(layer)
        kind = {"sigmoid": "logistic"}.get(name, name)
        return folding.add(Curve(f"{layer.name}_{name}", shape, kind, inputs=tuple(inputs)))
    if name != "linear":
        raise unsupported(layer, f"activation {name!r} is not supported")
    return inputs[0]


def _pool(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    kind = "max" if isinstance(layer, layers.MaxPooling2D | layers.MaxPooling1D) else "average"
    size, strides = _pair(layer.pool_size), _pair(layer.strides)
    same = layer.padding == "same"
    return folding.add(
        Pool(layer.name, _shape(layer), kind, size, strides, same, inputs=tuple(inputs))
    )


def _global_pool(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    rows, columns, channels = image(layer.input.shape, layer)
    size = (rows, columns)
    pool = Pool(layer.name, (1, 1, channels), "average", size, size, inputs=tuple(inputs))
    number = folding.add(pool)
    if not layer.keepdims:
        number = folding.add(Reshape(f"{layer.name}_reshape", (channels,), inputs=(number,)))
    return number


def _reshape(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    return folding.add(Reshape(layer.name, _shape(layer), inputs=tuple(inputs)))


def _binary(kind: str) -> Callable[[_Folding, Any, list[int]], int]:
    def convert(folding: _Folding, layer: Any, inputs: list[int]) -> int:
        if len(inputs) != 2:
            raise unsupported(layer, f"it has {len(inputs)} inputs, 2 are supported")
        return folding.add(Binary(layer.name, _shape(layer), kind, inputs=tuple(inputs)))

    return convert


def _concat(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    if layer.axis not in (-1, len(layer.output.shape) - 1):
        raise unsupported(layer, f"it joins axis {layer.axis}, not the channels")
    return folding.add(Concat(layer.name, _shape(layer), inputs=tuple(inputs)))


def _crop(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    ends = layer.cropping if isinstance(layer.cropping[0], tuple) else (layer.cropping, (0, 0))
    begin = (*(first for first, _ in ends), 0)
    return folding.add(Slice(layer.name, _shape(layer), begin, inputs=tuple(inputs)))


def _recurrent(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    convert = recurrent.gru if isinstance(layer, layers.GRU) else recurrent.lstm
    steps, _, depth = image(layer.input.shape, layer)
    return convert(layer, steps, depth, inputs[0], folding.nodes)


def _stateful(convert: Callable[..., int]) -> Callable[[_Folding, Any, list[int]], int]:
    def one_frame(folding: _Folding, layer: Any, inputs: list[int]) -> int:
        if layer.input.shape[1] is not None:
            raise unsupported(layer, "it keeps a state from frame to frame, of any number")
        return convert(layer, image(layer.input.shape, layer), inputs[0], folding.nodes)

    return one_frame


def _streamed_lstm(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    source, kernel, added = folding.unscaled(inputs[0], np.array(layer.kernel)[0].T)
    number = _stateful(stateful.lstm)(folding, layer, [source])
    plain = folding.nodes[number]
    assert isinstance(plain, Lstm)
    folding.nodes[number] = replace(
        plain, kernel=kernel.astype(np.float32), bias=(plain.bias + added).astype(np.float32)
    )
    return number


def _softmax(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    if layer.axis not in (-1, len(layer.output.shape) - 1):
        raise unsupported(layer, f"softmax over axis {layer.axis}, only the last is supported")
    return folding.add(Softmax(layer.name, _shape(layer), inputs=tuple(inputs)))


def _nothing(folding: _Folding, layer: Any, inputs: list[int]) -> int:
    """Skip a layer that is the identity at inference."""
    folding.readers[folding.reads[0]] -= 1  # who reads it reads what is before it
    return inputs[0]


_CONVERT: dict[Any, Callable[[_Folding, Any, list[int]], int]] = {
    (layers.DepthwiseConv2D, layers.DepthwiseConv1D): _depthwise,
    (layers.Conv2D, layers.Conv1D): _conv,
    layers.Dense: _dense,
    layers.BatchNormalization: _normalization,
    layers.ReLU: _relu,
    layers.Activation: _activation,
    (layers.AveragePooling2D, layers.AveragePooling1D): _pool,
    (layers.MaxPooling2D, layers.MaxPooling1D): _pool,
    (layers.GlobalAveragePooling2D, layers.GlobalAveragePooling1D): _global_pool,
    (layers.Flatten, layers.Reshape): _reshape,
    layers.Add: _binary("add"),
    layers.Subtract: _binary("sub"),
    layers.Multiply: _binary("mul"),
    layers.Concatenate: _concat,
    (layers.Cropping2D, layers.Cropping1D): _crop,
    (layers.GRU, layers.LSTM): _recurrent,
    streaming.History: _stateful(stateful.history),
    streaming.Gru: _stateful(stateful.gru),
    streaming.Lstm: _streamed_lstm,
    layers.Softmax: _softmax,
    (layers.Dropout, layers.SpatialDropout2D, layers.SpatialDropout1D): _nothing,
}
