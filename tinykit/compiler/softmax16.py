"""Softmax of int16 values, by two tables with linear interpolation, bit for bit TFLM's.

One table holds the exponential on [-10, 0], one `1 / (1 + x)` on [0, 1], both with 15 fraction bits
at 512 steps of their interval and its end. Entries are lowered by half of what interpolation is too
high in the middle of their step. Values between are rounded to 7 more bits of the argument.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinykit.compiler import arithmetic

Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]

STEPS = 512
MAX_SHIFT = 14
"""Of the input's multiplier: differences of two int16 have 17 bits."""

_REACH = 10.0  # exp(-10) counts as the least exponential
_UNIT = np.float32(1 << 15)


def input_scale(beta: float, scale: np.float32) -> tuple[int, int]:
    """Return multiplier and shift by which 65535 times a real difference becomes tenths of it."""
    return arithmetic.quantize_multiplier(float(scale) * float(beta) / (_REACH / 65535.0))


@functools.cache
def exponentials() -> NDArray[np.int16]:
    """Return the table of `exp`, from -10 to 0, int16 (513,)."""
    return _table(np.exp, -_REACH, 0.0)


@functools.cache
def reciprocals() -> NDArray[np.int16]:
    """Return the table of `1 / (1 + x)`, from 0 to 1, int16 (513,)."""
    return _table(lambda x: np.float32(1) / (np.float32(1) + x), 0.0, 1.0)


def _table(function: Callable[[Float32], Float32], low: float, high: float) -> NDArray[np.int16]:
    """Return a function with 15 fraction bits; all arithmetic is in float32, as TFLM's is."""
    step = np.float32((np.float32(high) - np.float32(low)) / np.float32(STEPS))
    starts = np.float32(low) + np.arange(STEPS, dtype=np.float32) * step
    ends = np.float32(low) + np.arange(1, STEPS + 1, dtype=np.float32) * step
    values = _rounded(function(starts) * _UNIT)
    between = _rounded((function(ends) * _UNIT + values) / np.float32(2))
    middles = _rounded(function(starts + step / np.float32(2)) * _UNIT)
    values = values - _rounded((between - middles) / np.float32(2))
    last = _rounded(function(np.array([high], np.float32)) * _UNIT)
    table = np.clip(np.concatenate([values, last]), -(1 << 15), (1 << 15) - 1).astype(np.int16)
    table.flags.writeable = False
    return table


def _rounded(x: Float32) -> Float32:
    """Round halves away from zero."""
    return (np.sign(x) * np.floor(np.abs(x) + np.float32(0.5))).astype(np.float32)


def look_up(table: NDArray[np.int16], x: ArrayLike) -> Int64:
    """Return the table at `x`, int16 from one end of its interval to the other."""
    value, entries = np.asarray(x, np.int64), table.astype(np.int64)
    index = (STEPS // 2) + (value >> 7)
    slope = entries[index + 1] - entries[index]
    return entries[index] + ((slope * (value & 0x7F) + 64) >> 7)


def softmax(values: NDArray[np.int16], multiplier: int, shift: int) -> NDArray[np.int16]:
    """Return softmax over the last axis with 15 fraction bits.

    Parameters
    ----------
    multiplier, shift : int
        Of `input_scale`.
    """
    wide = values.astype(np.int64)
    difference = arithmetic.multiply_by_quantized_multiplier(
        wide - wide.max(axis=-1, keepdims=True), multiplier, shift
    )
    places = np.clip(difference + 32767, -32768, 32767)
    exponential = look_up(exponentials(), places)
    total = exponential.sum(axis=-1, keepdims=True)
    bits = np.frexp(total.astype(np.float64))[1].astype(np.int64)  # 2**(bits - 1) <= total
    normalized = ((total << (31 - bits)) + (1 << 13)) >> 14  # 65536 to 131072: 1 to 2
    reciprocal = look_up(reciprocals(), np.clip(normalized - 3 * (1 << 15), -32768, 32767))
    right = bits - 1
    scaled = (exponential * reciprocal + (np.int64(1) << (right - 1))) >> right
    return np.clip(scaled, 0, 32767).astype(np.int16)
