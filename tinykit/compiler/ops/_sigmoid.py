"""What LOGISTIC and TANH share: the input in Q4 and where the function saturates."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Op, Tensor
from tinykit.compiler.ops import _legal, _lookup

_INTEGER_BITS = 4
_FRACTION_BITS = 31 - _INTEGER_BITS


def check_input(op: Op, source: Tensor) -> None:
    """Refuse scales that cannot be shifted into Q4."""
    if not float(source.scale) * (1 << _FRACTION_BITS) >= 1:
        _legal.refuse(op, f"its input scale {source.scale} is below {2.0**-_FRACTION_BITS}")


def apply(
    function: Callable[[ArrayLike, int], NDArray[np.int64]], source: Tensor, integer_bits: int
) -> NDArray[np.int64]:
    """Return `function` (Q4 to Q0) of every int8 input, with 31 - `integer_bits` bits dropped.

    Inputs whose magnitude Q4 cannot hold give the least and the greatest int32.
    """
    multiplier, shift = arithmetic.quantize_multiplier(float(source.scale) * (1 << _FRACTION_BITS))
    radius = math.floor(((1 << _INTEGER_BITS) - 1) * (1 << _FRACTION_BITS) / (1 << shift))
    centred = _lookup.INPUTS - source.zero_point
    inside = np.abs(centred) < radius
    scaled = arithmetic.multiply_by_quantized_multiplier(
        np.where(inside, centred, 0), multiplier, shift if inside.any() else 0
    )
    value = arithmetic.rounding_divide_by_power_of_two(
        function(scaled, _INTEGER_BITS), 31 - integer_bits
    )
    saturated = np.where(centred <= -radius, arithmetic.INT32_MIN, arithmetic.INT32_MAX)
    return np.where(inside, value, saturated)
