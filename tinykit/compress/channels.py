"""Groups of channels that live and die together, and a chain rebuilt without some of them.

An output channel of a convolution or dense layer is normalized, filtered by depthwise convolutions
and pooled until the next convolution or dense layer mixes it with the others: removing it takes one
slice out of each of these layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.quantize.chain import chain, unsupported
from tinykit.train.backend import keras

Kept = Mapping[str, NDArray[np.intp]]
"""Channels that stay, ascending, by group name; a group that is not named stays whole."""

layers = keras.layers
_MIXES = (layers.Conv2D, layers.Dense)
_PER_CHANNEL = (layers.DepthwiseConv2D, layers.BatchNormalization)
_WITHOUT_WEIGHTS = (
    layers.ReLU,
    layers.Activation,
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.AveragePooling2D,
    layers.MaxPooling2D,
    layers.GlobalAveragePooling2D,
    layers.Softmax,
)


@dataclass(frozen=True)
class Group:
    """Channels made by one layer and mixed by the next; `name` is the producer's.

    `positions` is how many values of a channel the consumer reads as separate inputs: more than one
    only where an image was flattened.
    """

    name: str
    consumer: str
    width: int
    positions: int = 1


@dataclass(frozen=True)
class _Place:
    """A layer with the groups that it reads and writes; "" is the model's input."""

    layer: Any
    source: str
    target: str
    positions: int


def groups(model: keras.Model) -> list[Group]:
    """Return the prunable groups in order; the last layer's outputs are the classes and stay.

    Raises
    ------
    ModelError
        Naming a layer through which channels cannot be followed.
    """
    places = _places(model)
    consumers = {place.source: place for place in places if isinstance(place.layer, _MIXES)}
    return [
        Group(
            place.layer.name,
            consumers[place.layer.name].layer.name,
            int(place.layer.output.shape[-1]),
            consumers[place.layer.name].positions,
        )
        for place in places
        if isinstance(place.layer, _MIXES) and place.layer.name in consumers
    ]


def rebuild(model: keras.Model, kept: Kept) -> keras.Model:
    """Return a smaller model with the weights of the channels that stay."""
    parts = [keras.Input(model.inputs[0].shape[1:], name=model.inputs[0].name)]
    places = _places(model)
    for place in places:
        config = place.layer.get_config()
        if isinstance(place.layer, _MIXES) and place.layer.name in kept:
            key = "units" if isinstance(place.layer, layers.Dense) else "filters"
            config[key] = len(kept[place.layer.name])
        if isinstance(place.layer, layers.Reshape) and place.target in kept:
            config["target_shape"] = (*config["target_shape"][:-1], len(kept[place.target]))
        parts.append(type(place.layer).from_config(config))
    smaller = keras.Sequential(parts, name=model.name)
    for place, layer in zip(places, smaller.layers, strict=True):
        layer.set_weights([_slice(place, weight, kept) for weight in place.layer.get_weights()])
    return smaller


def _slice(place: _Place, weight: NDArray[Any], kept: Kept) -> NDArray[Any]:
    """Take the channels that stay out of one weight of a layer."""
    matrix = weight.ndim > 1
    if place.target in kept:
        depthwise = matrix and isinstance(place.layer, layers.DepthwiseConv2D)  # (H, W, C, 1)
        weight = weight.take(kept[place.target], axis=-2 if depthwise else -1)
    if place.source in kept and matrix and isinstance(place.layer, _MIXES):
        inputs = np.arange(weight.shape[-2]).reshape(place.positions, -1)
        weight = weight.take(inputs[:, kept[place.source]].ravel(), axis=-2)
    return weight


def _places(model: keras.Model) -> list[_Place]:
    """Return every layer with the group it reads and the group it writes."""
    places: list[_Place] = []
    current, positions = "", 1
    for layer in chain(model):
        if isinstance(layer, layers.DepthwiseConv2D) and layer.depth_multiplier != 1:
            raise unsupported(layer, "cannot be pruned with a depth multiplier")
        if isinstance(layer, _PER_CHANNEL):
            if positions > 1:
                raise unsupported(layer, "cannot be pruned after a flattened image")
            places.append(_Place(layer, current, current, 1))
        elif isinstance(layer, _MIXES):
            places.append(_Place(layer, current, layer.name, positions))
            current, positions = layer.name, 1
        elif isinstance(layer, layers.Flatten | layers.Reshape):
            before, after = layer.input.shape[1:], layer.output.shape[1:]
            if after[-1] != before[-1]:
                if len(after) != 1:
                    raise unsupported(layer, f"channels get lost from {before} to {after}")
                positions *= int(np.prod(before[:-1]))
            places.append(_Place(layer, current, current, 1))
        elif isinstance(layer, _WITHOUT_WEIGHTS):
            places.append(_Place(layer, current, current, 1))
        else:
            raise unsupported(layer, "cannot be pruned")
    return places
