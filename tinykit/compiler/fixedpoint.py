"""Fixed-point exponential, reciprocal, logistic and tanh, bit for bit those of TFLM.

A value is an int32 `raw` meaning `raw / 2**(31 - integer_bits)`: Q0 covers [-1, 1), Q5 covers
[-32, 32). Arrays are int64 that hold int32 values. The method is that of the gemmlowp library:
Taylor expansion around -1/8 and products of constants for the exponential, Newton-Raphson for
the reciprocal.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinykit.compiler.arithmetic import (
    INT32_MAX,
    INT32_MIN,
    quantize_multiplier,
    rounding_divide_by_power_of_two,
    wrap_int32,
)
from tinykit.compiler.arithmetic import saturating_rounding_doubling_high_mul as multiply

Int64 = NDArray[np.int64]

ONE = INT32_MAX  # in Q0, the largest value below 1

_EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8) in Q0
_THIRD = 715827883  # 1/3 in Q0
_EXP_FACTORS = (  # (k, exp(-2**k) in Q0)
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
_48_OVER_17 = 1515870810  # in Q2
_MINUS_32_OVER_17 = -1010580540  # in Q2


def shift_left_saturating(x: ArrayLike, exponent: int) -> Int64:
    """Return `x * 2**exponent`, saturated to int32."""
    return np.clip(np.asarray(x, np.int64) << exponent, INT32_MIN, INT32_MAX)


def exp_on_negative_values(a: ArrayLike, integer_bits: int) -> Int64:
    """Return `exp(a)` in Q0 for `a` <= 0 given in Q`integer_bits` (at most 5)."""
    raw = np.asarray(a, np.int64)
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    # a = interval - remainder, with interval in [-1/4, 0) and remainder a multiple of 1/4
    interval = (raw & (quarter - 1)) - quarter
    result = _exp_near_minus_eighth(shift_left_saturating(interval, integer_bits))
    remainder = interval - raw
    for exponent, factor in _EXP_FACTORS:
        if exponent < integer_bits:
            bit = 1 << (fraction_bits + exponent)
            result = np.where(remainder & bit, multiply(result, factor), result)
    return np.where(raw == 0, ONE, result)


def _exp_near_minus_eighth(a: Int64) -> Int64:
    """Return exp(a) for a in [-1/4, 0), both Q0: a Taylor polynomial of degree 4 around -1/8."""
    x = a + (1 << 28)
    x2 = multiply(x, x)
    x3, x4 = multiply(x2, x), multiply(x2, x2)
    quarter_x4 = rounding_divide_by_power_of_two(x4, 2)
    tail = rounding_divide_by_power_of_two(multiply(quarter_x4 + x3, _THIRD) + x2, 1)
    return wrap_int32(_EXP_MINUS_EIGHTH + multiply(_EXP_MINUS_EIGHTH, x + tail))


def _newton_reciprocal(a: Int64) -> Int64:
    """Return 2 / (1 + a) in Q2 for a in [0, 1] in Q0, by three Newton-Raphson steps."""
    total = a + ONE
    half_denominator = (total + 1) >> 1
    x = _48_OVER_17 + multiply(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        rest = (1 << 29) - multiply(half_denominator, x)
        x = wrap_int32(x + shift_left_saturating(multiply(x, rest), 2))
    return x


def one_over_one_plus(a: ArrayLike) -> Int64:
    """Return `1 / (1 + a)` in Q0 for `a` in [0, 1] in Q0."""
    return shift_left_saturating(_newton_reciprocal(np.asarray(a, np.int64)), 1)


def one_minus_over_one_plus(a: ArrayLike) -> Int64:
    """Return `(1 - a) / (1 + a)` in Q0 for `a` in [0, 1] in Q0."""
    x = _newton_reciprocal(np.asarray(a, np.int64))
    return shift_left_saturating(x - (1 << 29), 2)


def logistic(a: ArrayLike, integer_bits: int) -> Int64:
    """Return `1 / (1 + exp(-a))` in Q0 for `a` in Q`integer_bits`."""
    raw = np.asarray(a, np.int64)
    positive = one_over_one_plus(exp_on_negative_values(-np.abs(raw), integer_bits))
    result = np.where(raw > 0, positive, ONE - positive)
    return np.where(raw == 0, 1 << 30, result)


def tanh(a: ArrayLike, integer_bits: int) -> Int64:
    """Return `tanh(a)` in Q0 for `a` in Q`integer_bits`."""
    raw = np.asarray(a, np.int64)
    # exp(-2 |a|): doubling is free, the same bits read with one more integer bit
    positive = one_minus_over_one_plus(exp_on_negative_values(-np.abs(raw), integer_bits + 1))
    return np.where(raw == 0, 0, np.where(raw > 0, positive, -positive))


def reciprocal(x: ArrayLike, integer_bits: int) -> tuple[Int64, Int64]:
    """Normalize `x` > 0, given in Q`integer_bits`, and take its reciprocal.

    Returns
    -------
    scale : int64 array
        In Q0, in (1/2, 1].
    bits_over_unit : int64 array
        `1 / x = scale * 2**-bits_over_unit`.
    """
    value = np.asarray(x, np.int64)
    leading_zeros = 32 - np.frexp(value.astype(np.float64))[1].astype(np.int64)
    fraction = (value << leading_zeros) - (1 << 31)
    return one_over_one_plus(fraction), integer_bits - leading_zeros


SOFTMAX_INPUT_BITS = 5
SOFTMAX_SUM_BITS = 12


def softmax_input_multiplier(beta: float, scale: np.float32) -> tuple[int, int, int]:
    """Return how softmax scales `input - max` into Q5.

    Returns
    -------
    multiplier, left_shift : int
        As of `quantize_multiplier`, of `beta * scale * 2**26`.
    diff_min : int
        Differences below it contribute nothing.
    """
    real = min(float(beta) * float(scale) * (1 << (31 - SOFTMAX_INPUT_BITS)), INT32_MAX)
    multiplier, shift = quantize_multiplier(real)
    largest = ((1 << SOFTMAX_INPUT_BITS) - 1) * (1 << (31 - SOFTMAX_INPUT_BITS))
    return multiplier, shift, -math.floor(largest / (1 << max(shift, 0)))


def softmax_exponentials(beta: float, scale: np.float32) -> NDArray[np.int32]:
    """Return `exp(beta * scale * -d)` in Q0 for each difference d = 0..255 from the maximum.

    Entries that TFLM skips (d too large) are -1, because 0 is a legal exponential.

    Returns
    -------
    table : int32 (256,)
    """
    multiplier, shift, diff_min = softmax_input_multiplier(beta, scale)
    diff = -np.arange(256, dtype=np.int64)
    used = diff >= diff_min
    scaled = multiply(np.where(used, diff, 0) << shift, multiplier)
    return np.where(used, exp_on_negative_values(scaled, SOFTMAX_INPUT_BITS), -1).astype(np.int32)
