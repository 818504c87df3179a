"""LOGISTIC: `1 / (1 + exp(-x))` with 8 fraction bits in fixed point, or with 15 by a table."""

from __future__ import annotations

from tinykit.compiler import fixedpoint, sigmoid16
from tinykit.compiler.ir import Op, Tensor
from tinykit.compiler.ops import _legal, _lookup, _sigmoid


class _Rule(_sigmoid.SigmoidRule):
    kind, builtin = "logistic", "LOGISTIC"
    unit = (1 / 256, -128)
    exact_shifts = (0,)

    def compute(
        self, op: Op, source: Tensor, result: Tensor, values: _lookup.Int64
    ) -> _lookup.Int64:
        if source.dtype == _legal.INT16:
            return sigmoid16.logistic(values, *self.table_input_of(source))
        return _sigmoid.apply(fixedpoint.logistic, source, values, 8) - 128


RULE = _Rule()
