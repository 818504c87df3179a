"""MEAN over any axes, requantized: one multiplier divides by the count and changes the scale."""

from __future__ import annotations

import math

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _legal, _reduce


def _count(source: Tensor, op: Op) -> int:
    return math.prod(source.shape[axis] for axis in op.attrs.axes)


class _Rule(_reduce.ReduceRule):
    kind, builtin = "mean", "MEAN"

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1)
        source = _legal.activation(graph, op, dtypes=_legal.ACTIVATIONS)
        result = _legal.output(graph, op, _legal.ACTIVATIONS)
        _legal.same_dtype(op, source, result)
        _legal.centred(op, source, result)
        self.check_shape(op, source, result)
        low, high = arithmetic.type_range(source.dtype)
        bound = max(high - source.zero_point, source.zero_point - low) * _count(source, op)
        shift = max(0, self.scaling(graph, op)[1])
        _legal.require(bound << shift <= arithmetic.INT32_MAX, op, "its sum can overflow 32 bits")

    def scaling(self, graph: Graph, op: Op) -> tuple[int, int]:
        """Return the multiplier and shift from the sum of centred inputs to the output."""
        source, result = _legal.tensor(graph, op, 0, "input"), graph.tensors[op.outputs[0]]
        multiplier, shift = arithmetic.quantize_multiplier(
            float(source.scale) / float(result.scale)
        )
        # the division by the count goes into the multiplier, with as many bits as fit
        count = _count(source, op)
        extra = min(count.bit_length() - 1, 31 + shift)
        return (multiplier << extra) // count, shift - extra

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        values, result = inputs[0], graph.tensors[op.outputs[0]]
        assert values is not None
        source = _legal.tensor(graph, op, 0, "input")
        centred = values.astype(np.int64) - source.zero_point
        scaled = arithmetic.multiply_by_quantized_multiplier(
            centred.sum(axis=op.attrs.axes), *self.scaling(graph, op)
        )
        low, high = arithmetic.type_range(result.dtype)
        clipped = np.clip(scaled + result.zero_point, low, high)
        return [clipped.astype(result.dtype).reshape(result.shape)]


RULE = _Rule()
