"""Elementwise ops with one int8 input: all of them are a table of 256 values.

The table is computed with the op's exact arithmetic, once, at compile time.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, OpRule, _legal

INPUTS = np.arange(-128, 128, dtype=np.int64)
"""Every int8 value, in the order of the table."""


@dataclass(frozen=True)
class Lookup:
    """No parameters beyond the quantization of input and output."""


class LookupRule(OpRule):
    """An op that replaces each value by `table[value + 128]`."""

    def parse(self, options: Any, graph: Graph, op: Op) -> Any:
        """Return no attributes."""
        return Lookup()

    def check(self, graph: Graph, op: Op) -> None:
        """Require int8 and the same shape on both sides, and scales that `table` can handle."""
        _legal.arity(op, 1)
        source, result = _legal.activation(graph, op), _legal.output(graph, op)
        _legal.shape_is(op, result, source.shape)
        self.check_scales(op, source, result)

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        """Refuse `op` when its quantization is outside what the arithmetic can express."""

    @abstractmethod
    def compute(self, op: Op, source: Tensor, result: Tensor) -> NDArray[np.int64]:
        """Return the output for each of `INPUTS`, not yet clamped to int8."""

    def table(self, graph: Graph, op: Op) -> NDArray[np.int8]:
        """Return the output of each input from -128 to 127, int8 (256,)."""
        source = _legal.tensor(graph, op, 0, "input")
        result = graph.tensors[op.outputs[0]]
        low, high = arithmetic.type_range(result.dtype)
        return np.clip(self.compute(op, source, result), low, high).astype(np.int8)

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Look every value up."""
        assert inputs[0] is not None
        return [self.table(graph, op)[inputs[0].astype(np.intp) + 128]]


def rescale(values: NDArray[np.int64], real: float) -> NDArray[np.int64]:
    """Multiply centred int8 values by a real factor that `check_factor` has accepted."""
    return arithmetic.multiply_by_quantized_multiplier(
        values, *arithmetic.quantize_multiplier(real)
    )


def check_factor(op: Op, real: float) -> None:
    """Refuse a factor with which a centred int8 value (9 bits) would overflow 32 bits."""
    if not abs(real) < 1 << 22:
        _legal.refuse(op, f"scales its input by {real:g}, the limit is {1 << 22}")


def check_output(op: Op, result: Tensor, scale: float, zero_point: int) -> None:
    """Refuse an output whose quantization is not the one that the op's arithmetic is made for."""
    if result.zero_point != zero_point or abs(float(result.scale) / scale - 1) > 1e-3:
        _legal.refuse(
            op,
            f"its output has scale {result.scale}, zero point {result.zero_point}, "
            f"should be {scale}, {zero_point}",
            "convert the model again",
        )
