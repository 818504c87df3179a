"""Groups of hidden units that live and die together, and a chain rebuilt without some of them.

A unit of a recurrent layer is one column of every gate (of the input kernel, the recurrent kernel
and the bias), one row of the recurrent kernel and one row of the kernel that reads the layer
(intrinsic sparse structures, Wen et al., arXiv 1709.05027). A unit of a dense layer is one column
and the reader's row.
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
"""Units that stay, ascending, by layer; a layer that is not named stays whole."""

layers = keras.layers
_PER_UNIT = (layers.ReLU, layers.Activation, layers.Dropout)
"""Layers that keep units apart and have no weights."""


@dataclass(frozen=True)
class Axes:
    """Which units the last two axes of a weight belong to; "" where to none that can go.

    The last axis holds the units of `columns` once for each of `gates`; the axis before it, of a
    kernel, holds those of `rows`.
    """

    weight: keras.Variable
    rows: str
    columns: str
    gates: int
    kernel: bool  # a matrix that multiplies, not a bias

    def squares(self, values: Any, layer: str) -> list[Any]:
        """Return the sums of squares over the part of each unit of `layer`, one for each axis."""
        squares = keras.ops.square(values)
        matrix = keras.ops.reshape(squares, (-1, self.gates, squares.shape[-1] // self.gates))
        found = []
        if self.columns == layer:
            found.append(keras.ops.sum(matrix, axis=(0, 1)))
        if self.rows == layer:
            found.append(keras.ops.sum(matrix, axis=(1, 2)))
        return found

    def masked(self, values: Any, masks: Mapping[str, Any]) -> Any:
        """Return the weight with the part of each unit multiplied by the unit's mask."""
        if self.columns in masks:
            values = values * keras.ops.tile(masks[self.columns], [self.gates])
        if self.rows in masks:
            values = values * keras.ops.expand_dims(masks[self.rows], -1)
        return values

    def sliced(self, kept: Kept) -> NDArray[Any]:
        """Return the weight without the units that go."""
        values = np.asarray(keras.ops.convert_to_numpy(self.weight))
        if self.columns in kept:
            blocks = values.reshape(*values.shape[:-1], self.gates, -1)[..., kept[self.columns]]
            values = blocks.reshape(*values.shape[:-1], -1)
        if self.rows in kept:
            values = values.take(kept[self.rows], axis=-2)
        return values


def widths(model: keras.Model) -> dict[str, int]:
    """Return how many units each layer has, those of the last layer, the output, left out.

    Raises
    ------
    ModelError
        Naming a layer through which units cannot be followed.
    """
    return {layer.name: layer.units for layer in _producers(model)[:-1]}


def axes(model: keras.Model) -> list[Axes]:
    """Return the axes of every weight, layer by layer, each layer's in its own order."""
    producers, found, source = _producers(model), [], ""
    for layer in producers:
        target = "" if layer is producers[-1] else layer.name
        kernel, recurrent = _matrices(layer)
        for weight in layer.weights:
            rows = source if weight is kernel else target if weight is recurrent else ""
            gates = weight.shape[-1] // layer.units
            found.append(Axes(weight, rows, target, gates, weight is kernel or weight is recurrent))
        source = target
    return found


def rebuild(model: keras.Model, kept: Kept) -> keras.Model:
    """Return a smaller model with the weights of the units that stay."""

    def resized(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in kept:
            config["units"] = len(kept[layer.name])
        return type(layer).from_config(config)

    smaller = keras.models.clone_model(model, clone_function=resized)
    for before, after in zip(axes(model), axes(smaller), strict=True):
        after.weight.assign(before.sliced(kept))
    return smaller


def _producers(model: keras.Model) -> list[Any]:
    """Return the layers that have units, in order."""
    found = []
    for layer in chain(model):
        if hasattr(layer, "units"):
            if any(size != 1 for size in _matrices(layer)[0].shape[:-2]):
                raise unsupported(layer, "the units of a block-diagonal layer cannot be pruned")
            found.append(layer)
        elif not isinstance(layer, _PER_UNIT) and not _keeps_last_axis(layer):
            raise unsupported(layer, "its units cannot be pruned")
    return found


def _matrices(layer: Any) -> tuple[Any, Any]:
    """Return the kernel of a layer and its recurrent kernel, None where it has no such one."""
    cell = getattr(layer, "cell", layer)  # Keras's own recurrent layers have one
    return cell.kernel, getattr(cell, "recurrent_kernel", getattr(cell, "recurrent", None))


def _keeps_last_axis(layer: Any) -> bool:
    return isinstance(layer, layers.Reshape) and layer.input.shape[-1] == layer.output.shape[-1]
