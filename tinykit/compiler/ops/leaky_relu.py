"""LEAKY_RELU: values below zero are multiplied by alpha."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import _legal, _lookup


@dataclass(frozen=True)
class LeakyRelu:
    """Slope below zero, a float32 value."""

    alpha: float


def factors(op: Op, source: Tensor, result: Tensor) -> tuple[float, float]:
    """Return the factors above and below zero, in double precision from float32 scales."""
    above = float(source.scale) / float(result.scale)
    below = float(source.scale) * float(np.float32(op.attrs.alpha)) / float(result.scale)
    return above, below


class _Rule(_lookup.LookupRule):
    kind, builtin, options = "leaky_relu", "LEAKY_RELU", "LeakyReluOptions"
    dtypes = _legal.ACTIVATIONS

    def parse(self, options: Any, graph: Graph, op: Op) -> LeakyRelu:
        alpha = float(options.alpha)
        _legal.require(math.isfinite(alpha), op, f"its alpha is {alpha}")
        return LeakyRelu(alpha)

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        for factor in factors(op, source, result):
            _lookup.check_factor(op, source, factor)

    def compute(
        self, op: Op, source: Tensor, result: Tensor, values: _lookup.Int64
    ) -> _lookup.Int64:
        centred = values - source.zero_point
        above, below = factors(op, source, result)
        # TFLM rounds the product with a negative alpha as that with its magnitude, then negates
        negative = np.sign(below).astype(np.int64) * _lookup.rescale(centred, abs(below))
        scaled = np.where(centred >= 0, _lookup.rescale(centred, above), negative)
        return scaled + result.zero_point


RULE = _Rule()
