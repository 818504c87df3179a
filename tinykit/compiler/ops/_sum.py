"""What ADD and SUB share: both inputs on one scale, with 20 extra bits (int16: 15)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _binary, _legal

LEFT_SHIFT = {_legal.INT8: 20, _legal.INT16: 15}
"""Each centred input is shifted left by this before it is scaled."""


@dataclass(frozen=True)
class Scaling:
    """Multiplier and shift (as of `arithmetic.quantize_multiplier`) of inputs and output."""

    first: tuple[int, int]
    second: tuple[int, int]
    output: tuple[int, int]


class SumRule(_binary.BinaryRule):
    """`first + sign * second`."""

    sign: int

    def scaling(self, graph: Graph, op: Op) -> Scaling:
        """Return how the inputs come to a common scale and the sum to the output's."""
        reals = self._factors(*self.tensors(graph, op))
        return Scaling(*(arithmetic.quantize_multiplier(real) for real in reals))

    def _factors(self, first: Tensor, second: Tensor, result: Tensor) -> list[float]:
        common = 2 * max(float(first.scale), float(second.scale))
        return [
            float(first.scale) / common,
            float(second.scale) / common,
            common / ((1 << LEFT_SHIFT[result.dtype]) * float(result.scale)),
        ]

    def check_scales(self, op: Op, first: Tensor, second: Tensor, result: Tensor) -> None:
        """Require factors between 0 and 1, which is what the fixed point is made for."""
        factors = self._factors(first, second, result)
        if not all(0 < factor < 1 for factor in factors):
            _legal.refuse(
                op,
                f"input scales {first.scale}, {second.scale} and output scale {result.scale} "
                "are too far apart",
                "quantize the model again",
            )

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Scale, add or subtract, scale again, clamp."""
        first, second, result = self.tensors(graph, op)
        scaling, left = self.scaling(graph, op), LEFT_SHIFT[result.dtype]
        a = arithmetic.multiply_by_quantized_multiplier(
            _binary.centred(inputs[0], first) << left, *scaling.first
        )
        b = arithmetic.multiply_by_quantized_multiplier(
            _binary.centred(inputs[1], second) << left, *scaling.second
        )
        total = arithmetic.multiply_by_quantized_multiplier(a + self.sign * b, *scaling.output)
        low, high = _binary.output_range(op, result)
        return [np.clip(total + result.zero_point, low, high).astype(result.dtype)]
