"""Quantization that can be trained through: values on an integer grid whose scale is learned.

LSQ+ (Bhalgat et al., arXiv 2004.09576; after Esser et al., arXiv 1902.08153). The forward pass is
what the integer model computes, ``(clip(round(x / s) + z, low, high) - z) * s``. In the backward
pass rounding is the identity, from which follows the gradient of the scale: inside the range
``round(x / s) - x / s``, outside ``low - z`` or ``high - z``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinykit.train.backend import keras

ops = keras.ops
INT8 = (-128, 127)
INT16 = (-32768, 32767)
WEIGHT = (-127, 127)  # symmetric, as exported


def quantized(x: Any, scale: Any, zero_point: Any, limits: tuple[int, int]) -> Any:
    """Return x on the grid; `scale` and `zero_point` broadcast against it."""
    low, high = limits
    steps = _rounded(x / scale) + _rounded(zero_point)
    return (ops.clip(steps, low, high) - _rounded(zero_point)) * scale


def slowed(variable: Any, count: int, high: int) -> Any:
    """Return the variable with its gradient divided by sqrt(count * high).

    The gradient of a scale is the sum over `count` values and would drown that of the weights.
    """
    share = 1.0 / np.sqrt(float(count) * high)
    return variable * share + ops.stop_gradient(variable * (1.0 - share))


def _rounded(x: Any) -> Any:
    return x + ops.stop_gradient(ops.round(x) - x)
