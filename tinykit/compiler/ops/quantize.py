"""QUANTIZE from int8 to int8 or uint8: another scale and zero point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _legal, _lookup

UINT8 = np.dtype(np.uint8)


def _factor(source: Tensor, result: Tensor) -> float:
    return float(source.scale) / float(result.scale)


class _Rule(_lookup.LookupRule):
    kind, builtin = "quantize", "QUANTIZE"

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1)
        source = _legal.activation(graph, op)
        result = _legal.output(graph, op, (_legal.INT8, UINT8))
        _legal.shape_is(op, result, source.shape)
        _lookup.check_factor(op, _factor(source, result))

    def compute(self, op: Op, source: Tensor, result: Tensor) -> NDArray[np.int64]:
        centred = _lookup.INPUTS - source.zero_point
        return _lookup.rescale(centred, _factor(source, result)) + result.zero_point

    def table(self, graph: Graph, op: Op) -> Array:
        """Return the output of each input from -128 to 127, (256,) of the output's dtype."""
        result = graph.tensors[op.outputs[0]]
        source = _legal.tensor(graph, op, 0, "input")
        low, high = arithmetic.type_range(result.dtype)
        return np.clip(self.compute(op, source, result), low, high).astype(result.dtype)


RULE = _Rule()
