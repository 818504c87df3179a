"""The integer arithmetic of the front end, on numpy arrays; the twin of `tk_fixed_point.h`.

Each function returns exactly what its C namesake does. Values are int64 even where the C has int32:
the tests assert on them that 32 bits suffice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]

LOG2_TABLE_BITS = 5
LOG2_FRACTION_BITS = 16


def mul_q15(x: Int, factor: Int) -> Int:
    """Return `floor(x * factor / 2**16)`: half the product with a Q15 factor.

    One instruction (SMULWB) on a core with the DSP extension.
    """
    return (x * factor) >> 16


def log2_table() -> Int:
    """Return `2**15 log2(1 + i / 32)` for i = 0..32: int64 (33,), 0 to 32768."""
    steps = 1 << LOG2_TABLE_BITS
    return np.array([round(2**15 * float(np.log2(1 + i / steps))) for i in range(steps + 1)])


def log2_q16(x: NDArray[np.uint64]) -> Int:
    """Return log2 of integers from 1 to 2**63 - 1, in units of 2**-16.

    Linear interpolation between 33 points. The chord lies below the curve: the error is between
    -1.8e-4 and 2e-5.
    """
    # frexp rounds to 53 bits and can so step up to the next power of two: take that step back.
    exponent = np.frexp(x.astype(np.float64))[1].astype(np.int64) - 1
    exponent -= (x >> exponent.astype(np.uint64)) == 0
    # Of the bits below the leading one, 5 choose the interval and the next 16 the place in it.
    fraction = (x << (np.uint64(63) - exponent.astype(np.uint64))) << np.uint64(1)
    interval = (fraction >> np.uint64(64 - LOG2_TABLE_BITS)).astype(np.int64)
    place = (fraction >> np.uint64(48 - LOG2_TABLE_BITS)).astype(np.int64) & 0xFFFF
    table = log2_table()
    low = table[interval]
    return (exponent << 16) + (low << 1) + (((table[interval + 1] - low) * place) >> 15)


def requantize(x: Int, multiplier: int, bias: Int | int, shift: int) -> NDArray[np.int8]:
    """Return `(x * multiplier + bias) >> shift`, saturated; `bias` holds the half that rounds."""
    return np.clip((x * multiplier + bias) >> shift, -128, 127).astype(np.int8)
