"""Where time lies in a tensor, and how it moves when the bytes get another shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from tinykit.compiler.ir import Op
from tinykit.errors import ModelError

HINT = (
    "a model can be streamed when its layers over time pad nothing (padding='valid') and each row "
    "depends on rows of the window only: train it so, or run the window model at every hop"
)


@dataclass(frozen=True)
class Time:
    """A tensor of rows in time, oldest first.

    `shape[axis] == rows * width`: flattened tensors have `width` elements of each row there, others
    one. Every axis before it has size 1. When the window moves on by `stride` rows of the model's
    input, this tensor moves on by one row: it loses its first and gets a new last one. A tensor
    of one row is not in time: it is a value of the whole window.
    """

    axis: int
    rows: int
    stride: int
    width: int = 1

    def shape(self, window: Sequence[int], rows: int) -> tuple[int, ...]:
        """Return the shape of `window`, the tensor's in the window model, cut to `rows`."""
        return (*window[: self.axis], rows * self.width, *window[self.axis + 1 :])


def in_shape(rows: int, stride: int, shape: Sequence[int]) -> Time | None:
    """Return the time of a tensor that holds `rows` rows one after the other; None if cut apart."""
    axis = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    if axis == len(shape) or shape[axis] % rows:
        return None
    return Time(axis, rows, stride, shape[axis] // rows)


def refuse(op: Op | None, problem: str, hint: str = HINT) -> NoReturn:
    """Raise the ModelError of a model that cannot be streamed."""
    raise ModelError(f"cannot be streamed: {f'{op} ' if op else ''}{problem}", hint)
