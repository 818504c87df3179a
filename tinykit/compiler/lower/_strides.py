"""Loops over tensors in memory, with as few axes as possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Axis:
    """A loop: `count` iterations, and how far each operand moves in one."""

    count: int
    steps: tuple[int, ...]


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the step of each axis of a row-major tensor, in elements."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def broadcast(shape: Sequence[int], to: Sequence[int]) -> tuple[int, ...]:
    """Return the step of each axis of `to` in a tensor of `shape` that is broadcast to it."""
    padded = (1,) * (len(to) - len(shape)) + tuple(shape)
    return tuple(
        0 if size == 1 else step for size, step in zip(padded, contiguous(padded), strict=True)
    )


def merge(counts: Sequence[int], *steps: Sequence[int]) -> list[Axis]:
    """Return equal loops with fewer axes: those of count 1 dropped, those that continue joined."""
    merged: list[Axis] = []
    for count, *moves in zip(counts, *steps, strict=True):
        if count == 1:
            continue
        inner = Axis(count, tuple(moves))
        if merged:
            outer = merged[-1]
            if all(o == i * count for o, i in zip(outer.steps, inner.steps, strict=True)):
                merged[-1] = Axis(outer.count * count, inner.steps)
                continue
        merged.append(inner)
    return merged


def loops(axes: Sequence[Axis], count: int, operands: int) -> list[tuple[int, ...]]:
    """Return counts, then the steps of each operand, as `count` nested loops need them.

    Missing outer loops run once.
    """
    missing = [Axis(1, (0,) * operands)] * (count - len(axes))
    full = [*missing, *axes]
    return [
        tuple(axis.count for axis in full),
        *(tuple(axis.steps[i] for axis in full) for i in range(operands)),
    ]


def offsets(axes: Sequence[Axis], operand: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return where `operand` is in each iteration, in order, relative to the first."""
    total = np.zeros(1, np.int64)
    for axis in axes:
        total = (total[:, None] + np.arange(axis.count) * axis.steps[operand]).reshape(-1)
    return total
