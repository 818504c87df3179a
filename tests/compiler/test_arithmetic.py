"""The integer arithmetic, against exact rational arithmetic and against definitions."""

from __future__ import annotations

import math
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from tinykit.compiler import arithmetic
from tinykit.errors import ModelError

int32 = st.integers(arithmetic.INT32_MIN, arithmetic.INT32_MAX)


@given(real=st.floats(1e-9, 1e6))
def test_multiplier_is_the_real_number_to_31_bits(real: float) -> None:
    """The multiplier fills 31 bits and means the same to within half a unit."""
    multiplier, shift = arithmetic.quantize_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    exact = (
        Fraction(real) * 2 ** (31 - shift) if shift <= 31 else Fraction(real) / 2 ** (shift - 31)
    )
    assert abs(exact - multiplier) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (1 - 2**-40, (1 << 30, 1)),  # rounds up to the next power of two
        (2.0**-40, (0, 0)),  # would shift everything out
    ],
)
def test_multiplier_at_the_edges(real: float, expected: tuple[int, int]) -> None:
    """Zero, powers of two, a carry, and what is too small to matter."""
    assert arithmetic.quantize_multiplier(real) == expected


@given(a=int32, b=int32)
def test_high_mul_rounds_the_exact_product(a: int, b: int) -> None:
    """`a * b / 2**31`, halves towards plus infinity; only min * min saturates."""
    exact = math.floor(Fraction(a * b, 1 << 31) + Fraction(1, 2))
    result = int(arithmetic.saturating_rounding_doubling_high_mul(a, b))
    assert result == min(exact, arithmetic.INT32_MAX)


@given(x=int32, exponent=st.integers(0, 31))
def test_shift_rounds_half_away_from_zero(x: int, exponent: int) -> None:
    """A right shift is a division with C's `round`."""
    magnitude = math.floor(Fraction(abs(x), 1 << exponent) + Fraction(1, 2))
    expected = magnitude if x >= 0 else -magnitude
    assert int(arithmetic.rounding_divide_by_power_of_two(x, exponent)) == expected


@given(x=st.integers(-(1 << 24), 1 << 24), real=st.floats(1e-6, 50.0))
def test_scaling_is_close_to_the_real_product(x: int, real: float) -> None:
    """Two roundings lose at most one unit in the last place."""
    scaled = arithmetic.multiply_by_quantized_multiplier(x, *arithmetic.quantize_multiplier(real))
    assert abs(int(scaled) - x * real) <= 1


def test_scaling_takes_one_multiplier_per_channel() -> None:
    """Arrays broadcast: every channel is scaled as it would be alone."""
    x = np.array([[1000, -1000, 77], [5, 6, 7]])
    multipliers, shifts = arithmetic.quantize_multipliers([0.3, 1.7, 0.01])
    together = arithmetic.multiply_by_quantized_multiplier(x, multipliers, shifts)
    for channel in range(3):
        alone = arithmetic.multiply_by_quantized_multiplier(
            x[:, channel], multipliers[channel], shifts[channel]
        )
        np.testing.assert_array_equal(together[:, channel], alone)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("none", (-128, 127)), ("relu", (-10, 127)), ("relu6", (-10, 50)), ("relu_n1_to_1", (-20, 0))],
)
def test_activation_range(activation: str, expected: tuple[int, int]) -> None:
    """The real bounds, quantized."""
    scale = np.float32(0.1)
    assert arithmetic.activation_range(activation, scale, -10, np.dtype(np.int8)) == expected


def test_activation_range_of_a_tiny_scale_is_the_type() -> None:
    """Bounds that int8 cannot hold do not limit it."""
    bounds = arithmetic.activation_range("relu6", np.float32(1e-40), 0, np.dtype(np.int8))
    assert bounds == (0, 127)


@pytest.mark.parametrize("real", [math.inf, math.nan])
def test_factors_that_are_no_numbers_are_refused(real: float) -> None:
    """A file may have scales whose quotient leaves the floating-point range."""
    with pytest.raises(ModelError, match="too far apart"):
        arithmetic.quantize_multiplier(real)
