"""Groups of hidden units that live and die together, and a network rebuilt without some of them.

A unit of a recurrent layer is one column of every gate (of the input kernel, the recurrent kernel
and the bias), one row of the recurrent kernel and one row of each kernel that reads the layer
(intrinsic sparse structures, Wen et al., arXiv 1709.05027). A unit of a dense layer is one column
and the readers' rows. Units that something else reads, and those of the output, stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.errors import ModelError
from tinykit.quantize.fold import layer_steps
from tinykit.train.backend import keras

Kept = Mapping[str, NDArray[np.intp]]
"""Units that stay, ascending, by layer; a layer that is not named stays whole."""

Parts = tuple[tuple[str, int], ...]
"""The channels of a value, side by side: the layer whose units they are, and how many; layer ""
where they are nobody's that could go."""

ops, layers = keras.ops, keras.layers
_PER_UNIT = (layers.ReLU, layers.Activation, layers.Dropout, layers.BatchNormalization)


@dataclass(frozen=True)
class Axes:
    """Whose units the last two axes of a weight are.

    The last axis holds the units of `columns` once for each of `gates`. The axis before it, of a
    kernel, holds `rows`.
    """

    weight: keras.Variable
    rows: Parts
    columns: str
    gates: int

    @property
    def kernel(self) -> bool:
        """Whether it is a matrix that multiplies, and not a bias."""
        return bool(self.rows)

    def squares(self, values: Any, layer: str) -> list[Any]:
        """Return the sums of squares of what belongs to each unit of `layer`, of every axis."""
        squares, found = ops.square(values), []
        if self.columns == layer:
            found.append(ops.sum(ops.reshape(squares, (-1, self.gates, self.units)), axis=(0, 1)))
        first = 0
        for name, count in self.rows:
            if name == layer:
                found.append(ops.sum(squares[..., first : first + count, :], axis=-1))
            first += count
        return [ops.reshape(part, (-1,)) for part in found]

    def masked(self, values: Any, masks: Mapping[str, Any]) -> Any:
        """Return the weight with what belongs to each unit multiplied by the unit's mask."""
        if self.columns in masks:
            values = values * ops.tile(masks[self.columns], [self.gates])
        if any(name in masks for name, _ in self.rows):
            parts = [masks.get(name, ops.ones((count,))) for name, count in self.rows]
            values = values * ops.expand_dims(ops.concatenate(parts), -1)
        return values

    def sliced(self, kept: Kept) -> NDArray[Any]:
        """Return the weight without the units that go."""
        values = np.asarray(ops.convert_to_numpy(self.weight))
        if self.columns in kept:
            blocks = values.reshape(*values.shape[:-1], self.gates, -1)[..., kept[self.columns]]
            values = blocks.reshape(*values.shape[:-1], -1)
        if self.kernel:
            starts = np.cumsum([0, *(count for _, count in self.rows)])
            rows = [
                first + kept.get(name, np.arange(count))
                for first, (name, count) in zip(starts, self.rows, strict=False)
            ]
            values = values.take(np.concatenate(rows), axis=-2)
        return values

    @property
    def units(self) -> int:
        """How many there are in `columns`."""
        return int(self.weight.shape[-1]) // self.gates


def widths(model: keras.Model) -> dict[str, int]:
    """Return how many units each layer has whose units can go.

    Raises
    ------
    ModelError
        When there is no such layer.
    """
    found = {axis.columns: axis.units for axis in axes(model) if axis.columns and axis.kernel}
    if not found:
        raise ModelError(
            f"model {model.name!r} has no layer whose units can be pruned",
            "units of LSTM, GRU and dense layers that such layers read can be",
        )
    return found


def axes(model: keras.Model) -> list[Axes]:
    """Return the axes of every weight that units can leave, layer by layer, each in its order."""
    source, steps = layer_steps(model)
    values: dict[int, Parts] = {source: (("", int(model.inputs[0].shape[-1])),)}
    fixed = {""}
    found: list[Axes] = []
    for layer, reads, writes in steps:
        before = [values[key] for key in reads]
        if _has_units(layer):
            values[writes] = ((layer.name, layer.units),)
            found += _matrices(layer, before[0])
        elif isinstance(layer, _PER_UNIT) or _keeps_last_axis(layer):
            values[writes] = before[0]
            if len(before[0]) == 1:  # a normalization of the units of one layer
                found += [Axes(weight, (), before[0][0][0], 1) for weight in layer.weights]
            elif layer.weights:
                fixed |= {name for name, _ in before[0]}
        elif isinstance(layer, layers.Concatenate) and layer.axis in (
            -1,
            len(layer.output.shape) - 1,
        ):
            values[writes] = tuple(part for parts in before for part in parts)
        else:
            fixed |= {name for parts in before for name, _ in parts}
            values[writes] = (("", int(layer.output.shape[-1])),)
    fixed |= {name for name, _ in values[steps[-1][2]]}
    return [
        Axes(
            axis.weight,
            tuple(("" if name in fixed else name, count) for name, count in axis.rows),
            "" if axis.columns in fixed else axis.columns,
            axis.gates,
        )
        for axis in found
    ]


def rebuild(model: keras.Model, kept: Kept) -> keras.Model:
    """Return a smaller model with the weights of the units that stay."""

    def resized(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in kept:
            config["units"] = len(kept[layer.name])
        return type(layer).from_config(config)

    smaller = keras.models.clone_model(model, clone_function=resized)
    values = {id(axis.weight): axis.sliced(kept) for axis in axes(model)}
    for before, after in zip(model.weights, smaller.weights, strict=True):
        after.assign(values.get(id(before), before.value))
    return smaller


def _has_units(layer: Any) -> bool:
    """Whether it is a dense or recurrent layer, and not a block-diagonal one."""
    if not hasattr(layer, "units"):
        return False
    kernel = getattr(layer, "cell", layer).kernel
    return all(size == 1 for size in kernel.shape[:-2])


def _matrices(layer: Any, before: Parts) -> list[Axes]:
    cell = getattr(layer, "cell", layer)  # Keras's own recurrent layers have one
    recurrent = getattr(cell, "recurrent_kernel", getattr(cell, "recurrent", None))
    itself = ((layer.name, layer.units),)
    found = []
    for weight in layer.weights:
        rows = before if weight is cell.kernel else itself if weight is recurrent else ()
        found.append(Axes(weight, rows, layer.name, int(weight.shape[-1]) // layer.units))
    return found


def _keeps_last_axis(layer: Any) -> bool:
    return isinstance(layer, layers.Reshape) and layer.input.shape[-1] == layer.output.shape[-1]
