"""PRELU: values below zero are multiplied by a learned slope, often one for each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, OpRule, _legal

_MAX_FACTOR = 1 << 14  # the product of two centred int8 values has 17 bits


@dataclass(frozen=True)
class Prelu:
    """No parameters. Inputs: values, and slopes whose shape, ones in front aside, ends theirs."""


class _Rule(OpRule):
    kind, builtin = "prelu", "PRELU"

    def parse(self, options: Any, graph: Graph, op: Op) -> Prelu:
        return Prelu()

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 2)
        source, result = _legal.activation(graph, op), _legal.output(graph, op)
        slope = _legal.quantized(op, _legal.constant(graph, op, 1, "slope", np.int8), "slope")
        _legal.shape_is(op, result, source.shape)
        period = _without_ones(slope)
        if source.shape[len(source.shape) - len(period) :] != period:
            _legal.refuse(
                op,
                f"slopes {slope.shape} for an input {source.shape}",
                "share the slopes over all axes but the last ones",
            )
        if not max(self._factors(source, slope, result)) < _MAX_FACTOR:
            _legal.refuse(op, f"scales {source.scale} and {result.scale} are too far apart")

    def _factors(self, source: Tensor, slope: Tensor, result: Tensor) -> tuple[float, float]:
        above = float(source.scale) / float(result.scale)
        return above, float(source.scale) * float(slope.scale) / float(result.scale)

    def scaling(self, graph: Graph, op: Op) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the multiplier and shift above zero, and those of products below."""
        source, slope = _legal.tensor(graph, op, 0, "input"), _legal.tensor(graph, op, 1, "slope")
        above, below = self._factors(source, slope, graph.tensors[op.outputs[0]])
        return arithmetic.quantize_multiplier(above), arithmetic.quantize_multiplier(below)

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        values, slopes = inputs
        assert values is not None and slopes is not None
        source, slope = _legal.tensor(graph, op, 0, "input"), _legal.tensor(graph, op, 1, "slope")
        result, (above, below) = graph.tensors[op.outputs[0]], self.scaling(graph, op)
        centred = values.astype(np.int64) - source.zero_point
        products = centred * (slopes.astype(np.int64) - slope.zero_point)
        scaled = np.where(
            centred >= 0,
            arithmetic.multiply_by_quantized_multiplier(centred, *above),
            arithmetic.multiply_by_quantized_multiplier(products, *below),
        )
        return [np.clip(scaled + result.zero_point, -128, 127).astype(np.int8)]


def _without_ones(slope: Tensor) -> tuple[int, ...]:
    shape = slope.shape
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape


RULE = _Rule()
