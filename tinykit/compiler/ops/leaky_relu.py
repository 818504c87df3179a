"""LEAKY_RELU: values below zero are multiplied by alpha."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import _legal, _lookup


@dataclass(frozen=True)
class LeakyRelu:
    """Slope below zero, a float32 value."""

    alpha: float


def _factors(op: Op, source: Tensor, result: Tensor) -> tuple[float, float]:
    """Return the factors above and below zero, computed in float32 as in TFLM."""
    alpha = np.float32(op.attrs.alpha)
    with np.errstate(over="ignore"):
        return (
            float(np.float32(source.scale / result.scale)),
            float(np.float32(np.float32(source.scale * alpha) / result.scale)),
        )


class _Rule(_lookup.LookupRule):
    kind, builtin, options = "leaky_relu", "LEAKY_RELU", "LeakyReluOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> LeakyRelu:
        alpha = float(options.alpha)
        _legal.require(math.isfinite(alpha), op, f"its alpha is {alpha}")
        return LeakyRelu(alpha)

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        for factor in _factors(op, source, result):
            _lookup.check_factor(op, factor)

    def compute(self, op: Op, source: Tensor, result: Tensor) -> NDArray[np.int64]:
        centred = _lookup.INPUTS - source.zero_point
        above, below = _factors(op, source, result)
        scaled = np.where(
            centred >= 0, _lookup.rescale(centred, above), _lookup.rescale(centred, below)
        )
        return scaled + result.zero_point


RULE = _Rule()
