"""Elementwise ops with one input: of int8, all of them are a table of 256 values.

The table is computed with the op's exact arithmetic, once, at compile time. int16 inputs have too
many values for that: kernels compute each with the same arithmetic.
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

Int64 = NDArray[np.int64]

INPUTS = np.arange(-128, 128, dtype=np.int64)
"""Every int8 value, in the order of the table."""


@dataclass(frozen=True)
class Lookup:
    """No parameters beyond the quantization of input and output."""


class LookupRule(OpRule):
    """An op that replaces each value by a function of it: of int8, by `table[value + 128]`."""

    dtypes: tuple[np.dtype[Any], ...] = (_legal.INT8,)  # of input and output, which are the same

    def parse(self, options: Any, graph: Graph, op: Op) -> Any:
        """Return no attributes."""
        return Lookup()

    def check(self, graph: Graph, op: Op) -> None:
        """Require one dtype and shape on both sides, and scales that `compute` can handle."""
        _legal.arity(op, 1)
        source = _legal.activation(graph, op, dtypes=self.dtypes)
        result = _legal.output(graph, op, self.dtypes)
        _legal.same_dtype(op, source, result)
        _legal.centred(op, source, result)
        _legal.shape_is(op, result, source.shape)
        self.check_scales(op, source, result)

    def check_scales(self, op: Op, source: Tensor, result: Tensor) -> None:
        """Refuse `op` when its quantization is outside what the arithmetic can express."""

    @abstractmethod
    def compute(self, op: Op, source: Tensor, result: Tensor, values: Int64) -> Int64:
        """Return the output for each of `values`, not yet clamped to the output's dtype."""

    def table(self, graph: Graph, op: Op) -> Array:
        """Return the output of each input byte, (256,) of the output's dtype.

        Bytes come in the order of int8, -128 first, those of uint8 inputs too: 128 first.
        """
        unsigned = _legal.tensor(graph, op, 0, "input").dtype == _legal.UINT8
        return self._computed(graph, op, INPUTS & 255 if unsigned else INPUTS)

    def _computed(self, graph: Graph, op: Op, values: Int64) -> Array:
        source, result = _legal.tensor(graph, op, 0, "input"), graph.tensors[op.outputs[0]]
        low, high = arithmetic.type_range(result.dtype)
        return np.clip(self.compute(op, source, result, values), low, high).astype(result.dtype)

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Look every byte up, or compute every int16."""
        values = inputs[0]
        assert values is not None
        if values.dtype.itemsize == 1:
            return [self.table(graph, op)[values.view(np.int8).astype(np.intp) + 128]]
        return [self._computed(graph, op, values.astype(np.int64))]


def rescale(values: Int64, real: float) -> Int64:
    """Multiply centred values by a real factor that `check_factor` has accepted."""
    return arithmetic.multiply_by_quantized_multiplier(
        values, *arithmetic.quantize_multiplier(real)
    )


def check_factor(op: Op, source: Tensor, real: float) -> None:
    """Refuse a factor with which a centred value (9 or 17 bits) would overflow 32 bits."""
    limit = 1 << (30 - 8 * source.dtype.itemsize)
    if not abs(real) < limit:
        _legal.refuse(op, f"scales its input by {real:g}, the limit is {limit}")


def check_output(op: Op, result: Tensor, scale: float, zero_point: int) -> None:
    """Refuse an output whose quantization is not the one that the op's arithmetic is made for."""
    if result.zero_point != zero_point or abs(float(result.scale) / scale - 1) > 1e-3:
        _legal.refuse(
            op,
            f"its output has scale {result.scale}, zero point {result.zero_point}, "
            f"should be {scale}, {zero_point}",
            "convert the model again",
        )
