"""RELU6: values are clamped to [0, 6]; the quantization stays."""

from __future__ import annotations

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Op, Tensor
from tinykit.compiler.ops import _legal, _lookup


class _Rule(_lookup.LookupRule):
    kind, builtin = "relu6", "RELU6"
    dtypes = _legal.ACTIVATIONS

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        _legal.same_quantization(op, source, result)

    def compute(
        self, op: Op, source: Tensor, result: Tensor, values: _lookup.Int64
    ) -> _lookup.Int64:
        bounds = arithmetic.activation_range("relu6", source.scale, source.zero_point, source.dtype)
        return np.clip(values, *bounds)


RULE = _Rule()
