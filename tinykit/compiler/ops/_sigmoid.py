"""What LOGISTIC and TANH share: how the input is scaled and where the function saturates.

int8 goes through fixed point with the input in Q4, int16 through the table of `sigmoid16`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import _legal, _lookup

_INTEGER_BITS = 4
_FRACTION_BITS = 31 - _INTEGER_BITS

_TABLE_BITS = 12  # fraction bits of what the table of int16 is entered with, three times
_MAX_TABLE_SHIFT = 30
_UNIT_16 = 2.0**-15  # the output scale of int16


class SigmoidRule(_lookup.LookupRule):
    """Check and compute LOGISTIC or TANH."""

    dtypes = _legal.ACTIVATIONS
    unit: tuple[float, int]  # scale and zero point of an int8 output
    exact_shifts: tuple[int, ...]  # scales 2^(n - 12) of int16 inputs whose factor is exact

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        """Refuse input scales that cannot be scaled, and output scales that are not the op's."""
        if source.dtype == _legal.INT8:
            _check_input(op, source)
            _lookup.check_output(op, result, *self.unit)
            return
        _lookup.check_output(op, result, _UNIT_16, 0)
        multiplier, shift = self.table_input_of(source)
        if multiplier > 0x7FFF or shift > _MAX_TABLE_SHIFT:
            _legal.refuse(op, f"its input scale {source.scale} is out of range")

    def table_input(self, graph: Graph, op: Op) -> tuple[int, int]:
        """Return multiplier and shift to the right of an int16 input, as of `sigmoid16`."""
        return self.table_input_of(_legal.tensor(graph, op, 0, "input"))

    def table_input_of(self, source: Tensor) -> tuple[int, int]:
        """Return the same of a tensor: 15 bits of the factor, not rounded, as TFLM finds them."""
        log2 = np.log(source.scale) * np.float32(1 / np.log(np.float32(2)))
        exponent = int(np.rint(log2))
        if abs(float(log2) - exponent) < 1e-3 and exponent + _TABLE_BITS in self.exact_shifts:
            return 3 << (exponent + _TABLE_BITS), 0
        factor, shift = float(source.scale) * 3 * (1 << _TABLE_BITS), 0
        while factor <= 0x7FFF / 2 and shift <= _MAX_TABLE_SHIFT:
            factor, shift = 2 * factor, shift + 1
        return int(factor), shift


def _check_input(op: Op, source: Tensor) -> None:
    """Refuse int8 scales that cannot be shifted into Q4."""
    if not float(source.scale) * (1 << _FRACTION_BITS) >= 1:
        _legal.refuse(op, f"its input scale {source.scale} is below {2.0**-_FRACTION_BITS}")


def apply(
    function: Callable[[ArrayLike, int], NDArray[np.int64]],
    source: Tensor,
    values: _lookup.Int64,
    integer_bits: int,
) -> _lookup.Int64:
    """Return `function` (Q4 to Q0) of int8 inputs, with 31 - `integer_bits` bits dropped.

    Inputs whose magnitude Q4 cannot hold give the least and the greatest int32.
    """
    multiplier, shift = arithmetic.quantize_multiplier(float(source.scale) * (1 << _FRACTION_BITS))
    radius = math.floor(((1 << _INTEGER_BITS) - 1) * (1 << _FRACTION_BITS) / (1 << shift))
    centred = values - source.zero_point
    inside = np.abs(centred) < radius
    scaled = arithmetic.multiply_by_quantized_multiplier(
        np.where(inside, centred, 0), multiplier, shift if inside.any() else 0
    )
    value = arithmetic.rounding_divide_by_power_of_two(
        function(scaled, _INTEGER_BITS), 31 - integer_bits
    )
    saturated = np.where(centred <= -radius, arithmetic.INT32_MIN, arithmetic.INT32_MAX)
    return np.where(inside, value, saturated)
