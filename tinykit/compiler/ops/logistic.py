"""LOGISTIC: `1 / (1 + exp(-x))` with 8 fraction bits, in fixed point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import fixedpoint
from tinykit.compiler.ir import Op, Tensor
from tinykit.compiler.ops import _lookup, _sigmoid


class _Rule(_lookup.LookupRule):
    kind, builtin = "logistic", "LOGISTIC"

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        _sigmoid.check_input(op, source)
        _lookup.check_output(op, result, 1 / 256, -128)

    def compute(self, op: Op, source: Tensor, result: Tensor) -> NDArray[np.int64]:
        return _sigmoid.apply(fixedpoint.logistic, source, 8) - 128


RULE = _Rule()
