"""HARD_SWISH: `x * clamp(x + 3, 0, 6) / 6`, in 16-bit fixed point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Op, Tensor
from tinykit.compiler.ops import _legal, _lookup

Int64 = NDArray[np.int64]

_INT16_MAX = (1 << 15) - 1


def _multiplier(numerator: np.float32, denominator: np.float32) -> tuple[int, int]:
    """Return a 16-bit multiplier and exponent of a float32 quotient."""
    multiplier, exponent = arithmetic.quantize_multiplier(float(numerator / denominator))
    return min((multiplier + (1 << 15)) >> 16, _INT16_MAX), exponent


def _high_resolution(source: Tensor) -> np.float32:
    return np.float32(np.float32(1 / 128) * source.scale)


def _output_multiplier(source: Tensor, result: Tensor) -> tuple[int, int]:
    return _multiplier(_high_resolution(source), result.scale)


def _saturate(x: Int64) -> Int64:
    return np.clip(x, -(1 << 15), _INT16_MAX)


def _rounding_high_mul(a: Int64, b: int) -> Int64:
    return _saturate((a * b + (1 << 14)) >> 15)


class _Rule(_lookup.LookupRule):
    kind, builtin = "hard_swish", "HARD_SWISH"

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        scales = (float(source.scale), float(result.scale))
        if not all(2.0**-20 < scale < 2.0**14 for scale in scales):
            _legal.refuse(op, f"its scales {scales} are out of range")
        exponent = _output_multiplier(source, result)[1]
        if not -15 <= exponent <= 0:
            _legal.refuse(op, f"its scales {scales} are too far apart")

    def compute(self, op: Op, source: Tensor, result: Tensor, values: Int64) -> Int64:
        fine = (values - source.zero_point) << 7
        output_multiplier, output_exponent = _output_multiplier(source, result)
        on_output_scale = _rounding_high_mul(fine, output_multiplier)
        # the gate: x / 3 in [-1, 1] of Q15, saturating, then (gate + 1) / 2 in [0, 1]
        three = np.float32(3.0) / np.float32(32768.0)
        gate_multiplier, gate_exponent = _multiplier(_high_resolution(source), three)
        gate = fine
        if gate_exponent > 0:  # the last of the shifts comes after the multiplication
            gate = _saturate(gate << (gate_exponent - 1))
        gate = _rounding_high_mul(gate, gate_multiplier)
        if gate_exponent > 0:
            gate = _saturate(gate << 1)
        gate = arithmetic.rounding_divide_by_power_of_two(gate, min(max(-gate_exponent, 0), 31))
        gate = (gate + (1 << 15)) >> 1
        product = gate * on_output_scale
        product = np.sign(product) * (np.abs(product) >> 15)  # truncated towards zero
        value = arithmetic.rounding_divide_by_power_of_two(product, -output_exponent)
        return value + result.zero_point


RULE = _Rule()
