"""MAXIMUM of two tensors of one quantization, with broadcasting."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _binary, _legal


class _Rule(_binary.BinaryRule):
    kind, builtin = "maximum", "MAXIMUM"

    def check_scales(self, op: Op, first: Tensor, second: Tensor, result: Tensor) -> None:
        _legal.same_quantization(op, first, result)
        _legal.same_quantization(op, second, result)

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        first, second = inputs
        assert first is not None and second is not None
        return [np.maximum(first, second)]


RULE = _Rule()
