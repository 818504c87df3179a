"""TANH with 7 fraction bits, in fixed point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import fixedpoint
from tinykit.compiler.ir import Op, Tensor
from tinykit.compiler.ops import _lookup, _sigmoid


class _Rule(_lookup.LookupRule):
    kind, builtin = "tanh", "TANH"

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        _sigmoid.check_input(op, source)
        _lookup.check_output(op, result, 1 / 128, 0)

    def compute(self, op: Op, source: Tensor, result: Tensor) -> NDArray[np.int64]:
        return _sigmoid.apply(fixedpoint.tanh, source, 7)


RULE = _Rule()
