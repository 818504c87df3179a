"""QUANTIZE from int8 to int8: another scale and zero point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.ir import Op, Tensor
from tinykit.compiler.ops import _lookup


def _factor(source: Tensor, result: Tensor) -> float:
    return float(source.scale) / float(result.scale)


class _Rule(_lookup.LookupRule):
    kind, builtin = "quantize", "QUANTIZE"

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        _lookup.check_factor(op, _factor(source, result))

    def compute(self, op: Op, source: Tensor, result: Tensor) -> NDArray[np.int64]:
        centred = _lookup.INPUTS - source.zero_point
        return _lookup.rescale(centred, _factor(source, result)) + result.zero_point


RULE = _Rule()
