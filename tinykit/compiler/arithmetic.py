"""Integer arithmetic of quantized inference, exactly as TensorFlow Lite Micro does it.

Real scales become a 32-bit multiplier and a shift; accumulators are scaled by a saturating,
rounding, doubling high multiply and a rounding shift (two roundings: the result differs in the
last bit from a single one). All functions take arrays and are exact.

Sources: Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", 2018, section 2.2; the reference kernels of TFLM.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinykit.errors import ModelError

Int64 = NDArray[np.int64]

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1

MAX_SHIFT = 30
"""The largest left shift of a multiplier that the kernels can carry out."""


def round_half_away(value: float) -> int:
    """Round to the nearest integer, halves away from zero (C's `round`)."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value)) if value else 0


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Write `real` >= 0 as `multiplier * 2**(shift - 31)`.

    Parameters
    ----------
    real : float
        A non-negative number in double precision.

    Returns
    -------
    multiplier : int
        In [2**30, 2**31), or 0 when `real` is 0 or too small to matter.
    shift : int
        Left shift when positive, right shift when negative; at least -31.

    Raises
    ------
    ModelError
        When `real` is not finite, as scales that are far apart make it.
    """
    if not math.isfinite(real):
        raise ModelError(
            f"model: two scales are too far apart: their ratio is {real}",
            "the scales of the model look wrong: quantize it again",
        )
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def quantize_multipliers(reals: Iterable[float]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return `quantize_multiplier` of each: multipliers int32 (n,) and shifts int32 (n,)."""
    pairs = [quantize_multiplier(float(real)) for real in reals]
    multipliers, shifts = zip(*pairs, strict=True)
    return np.array(multipliers, np.int32), np.array(shifts, np.int32)


def channel_multipliers(
    input_scale: np.float32,
    filter_scales: NDArray[np.float32],
    output_scale: np.float32,
    channels: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the multiplier and shift that turn each channel's accumulator into the output.

    The real factor of channel c is `input_scale * filter_scales[c] / output_scale`, computed in
    double precision from float32 scales. One filter scale serves all channels.

    Returns
    -------
    multipliers, shifts : int32 (channels,)
    """
    product = np.float64(input_scale) * filter_scales.astype(np.float64)
    factors = product / np.float64(output_scale)
    return quantize_multipliers(np.broadcast_to(factors, (channels,)))


def saturating_rounding_doubling_high_mul(a: ArrayLike, b: ArrayLike) -> Int64:
    """Return `round(a * b / 2**31)` of int32 values, halves towards plus infinity, saturated."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.minimum((product + (1 << 30)) >> 31, INT32_MAX)


def rounding_divide_by_power_of_two(x: ArrayLike, exponent: ArrayLike) -> Int64:
    """Return `round(x / 2**exponent)`, halves away from zero; `exponent` in [0, 31]."""
    value, shift = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << shift) - 1
    threshold = (mask >> 1) + (value < 0)
    return (value >> shift) + ((value & mask) > threshold)


def wrap_int32(x: ArrayLike) -> Int64:
    """Reduce to 32 bits, two's complement, as an int32 register holds it."""
    return np.asarray(x, np.int64).astype(np.int32).astype(np.int64)


def multiply_by_quantized_multiplier(
    x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike
) -> Int64:
    """Scale int32 `x` by `multiplier * 2**(shift - 31)` with TFLM's two roundings.

    Parameters
    ----------
    x : int array, values within int32
        Accumulators; a left shift must keep them within int32 (the rules check that it does).
    multiplier, shift : int or int array that broadcasts against `x`
        From `quantize_multiplier`.
    """
    shifts = np.asarray(shift, np.int64)
    shifted = wrap_int32(np.asarray(x, np.int64) << np.maximum(shifts, 0))
    high = saturating_rounding_doubling_high_mul(shifted, multiplier)
    return rounding_divide_by_power_of_two(high, np.maximum(-shifts, 0))


MAX_WIDE_SHIFT = 7
"""The largest left shift that TFLM scales a 64-bit accumulator by."""

MAX_WIDE = (1 << 47) - 1
"""The largest magnitude of a 64-bit accumulator that TFLM scales."""


def reduced_multiplier(multiplier: ArrayLike) -> Int64:
    """Return a multiplier's upper 16 bits, rounded: what 64-bit accumulators are scaled by."""
    return np.minimum((np.asarray(multiplier, np.int64) + (1 << 15)) >> 16, 0x7FFF)


def multiply_wide_by_quantized_multiplier(
    x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike
) -> Int64:
    """Scale a 64-bit accumulator by about `multiplier * 2**(shift - 31)`, rounding once, half up.

    TFLM does so for int16 activations: 16 bits of the multiplier are all that a 48-bit accumulator
    leaves room for.

    Parameters
    ----------
    x : int array, magnitudes up to `MAX_WIDE`
    multiplier, shift : int or int array that broadcasts against `x`
        From `quantize_multiplier`; shift up to `MAX_WIDE_SHIFT`.
    """
    total = 15 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * reduced_multiplier(multiplier)
    return (product + (np.int64(1) << (total - 1))) >> total


def type_range(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the smallest and largest value of an integer dtype."""
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


ACTIVATION_BOUNDS: dict[str, tuple[float, float]] = {
    "none": (-math.inf, math.inf),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "relu_n1_to_1": (-1.0, 1.0),
}
"""The real interval that each fused activation clamps to."""


def activation_range(
    activation: str, scale: np.float32, zero_point: int, dtype: np.dtype[Any]
) -> tuple[int, int]:
    """Return the quantized bounds that a fused activation clamps an output to.

    Parameters
    ----------
    activation : str
        A key of `ACTIVATION_BOUNDS`.
    scale, zero_point :
        Quantization of the output; `bound / scale` is a float32 division, as in TFLM.
    dtype : np.dtype
        Of the output: bounds are limited to its range.
    """
    low, high = type_range(dtype)
    real_low, real_high = ACTIVATION_BOUNDS[activation]
    if math.isfinite(real_low):
        low = max(low, _quantize(real_low, scale, zero_point))
    if math.isfinite(real_high):
        high = min(high, _quantize(real_high, scale, zero_point))
    return low, high


def _quantize(real: float, scale: np.float32, zero_point: int) -> int:
    with np.errstate(over="ignore"):
        quotient = float(np.float32(real) / np.float32(scale))
    limited = max(min(quotient, float(INT32_MAX)), float(INT32_MIN))  # a tiny scale: infinity
    return zero_point + round_half_away(limited)
