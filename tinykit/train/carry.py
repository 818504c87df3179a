"""Several values as one: what a scan over time carries from step to step.

TensorFlow's scan in Keras wants what a step gives to have the shape of what it carries; the other
back ends do not mind. So a step carries one matrix and gives the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinykit.train.backend import keras

ops = keras.ops

Shape = tuple[int, ...]


def joined(values: Sequence[Any]) -> Any:
    """Return values (batch, ...) side by side, (batch, total)."""
    rows = [ops.reshape(value, (ops.shape(value)[0], _size(value.shape[1:]))) for value in values]
    return ops.concatenate(rows, axis=-1)


def parts(matrix: Any, shapes: Sequence[Shape]) -> list[Any]:
    """Return the values of these shapes (without the batch) that were `joined`."""
    pieces = _split(matrix, shapes)
    return [ops.reshape(piece, (-1, *shape)) for piece, shape in zip(pieces, shapes, strict=True)]


def scan(
    step: Callable[[list[Any], Any], list[Any]],
    start: Sequence[Any],
    x: Any,
    shapes: Sequence[Shape],
) -> list[Any]:
    """Return what is carried after every frame of x (batch, frames, ...): (batch, frames, *shape).

    Parameters
    ----------
    step : callable
        From what is carried, (batch, *shape) each, and a frame (batch, ...) to what is carried on.
    start : sequence
        Before the first frame.
    """

    def one(before: Any, frame: Any) -> tuple[Any, Any]:
        after = joined(step(parts(before, shapes), frame))
        return after, after

    _, found = ops.scan(one, joined(start), ops.swapaxes(x, 0, 1))
    pieces = _split(ops.swapaxes(found, 0, 1), shapes)
    lead = (-1, ops.shape(x)[1])
    return [
        ops.reshape(piece, (*lead, *shape)) for piece, shape in zip(pieces, shapes, strict=True)
    ]


def _split(matrix: Any, shapes: Sequence[Shape]) -> list[Any]:
    if len(shapes) == 1:
        return [matrix]
    ends = np.cumsum([_size(shape) for shape in shapes])[:-1].tolist()
    return list(ops.split(matrix, ends, axis=-1))


def _size(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=np.int64))
