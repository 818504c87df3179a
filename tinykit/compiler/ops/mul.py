"""MUL of two tensors, with broadcasting."""

from __future__ import annotations

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _binary, _legal

_MAX_FACTOR = {_legal.INT8: 1 << 14, _legal.INT16: 1}
"""The product of two centred int8 values has 17 bits, that of two int16 values 31."""


class _Rule(_binary.BinaryRule):
    kind, builtin, options = "mul", "MUL", "MulOptions"

    def scaling(self, graph: Graph, op: Op) -> tuple[int, int]:
        """Return the multiplier and shift of the product."""
        return arithmetic.quantize_multiplier(self._factor(*self.tensors(graph, op)))

    def _factor(self, first: Tensor, second: Tensor, result: Tensor) -> float:
        return float(first.scale) * float(second.scale) / float(result.scale)

    def check_scales(self, op: Op, first: Tensor, second: Tensor, result: Tensor) -> None:
        factor = self._factor(first, second, result)
        limit = _MAX_FACTOR[result.dtype]
        if not factor < limit:
            _legal.refuse(op, f"scales its product by {factor:g}, the limit is {limit}")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        first, second, result = self.tensors(graph, op)
        product = _binary.centred(inputs[0], first) * _binary.centred(inputs[1], second)
        scaled = arithmetic.multiply_by_quantized_multiplier(product, *self.scaling(graph, op))
        low, high = _binary.output_range(op, result)
        return [np.clip(scaled + result.zero_point, low, high).astype(result.dtype)]


RULE = _Rule()
