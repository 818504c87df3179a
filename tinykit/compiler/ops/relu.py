"""RELU: values below zero become zero, and the scale may change."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Op, Tensor
from tinykit.compiler.ops import _legal, _lookup


def factor(source: Tensor, result: Tensor) -> float:
    """Return what centred inputs are multiplied by."""
    return float(source.scale) / float(result.scale)


class _Rule(_lookup.LookupRule):
    kind, builtin = "relu", "RELU"
    dtypes = _legal.ACTIVATIONS

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        _lookup.check_factor(op, source, factor(source, result))

    def compute(
        self, op: Op, source: Tensor, result: Tensor, values: _lookup.Int64
    ) -> _lookup.Int64:
        centred = values - source.zero_point
        scaled = _lookup.rescale(centred, factor(source, result)) + result.zero_point
        return np.maximum(scaled, result.zero_point)


RULE = _Rule()
