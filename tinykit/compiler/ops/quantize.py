"""QUANTIZE between int8 and int16, and between int8 and uint8: another scale and zero point."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import _legal, _lookup

# what the interpreter makes of each dtype that can be read
_RESULTS: dict[np.dtype[Any], tuple[np.dtype[Any], ...]] = {
    _legal.INT8: (*_legal.ACTIVATIONS, _legal.UINT8),
    _legal.INT16: _legal.ACTIVATIONS,
    _legal.UINT8: (_legal.INT8,),
}


def factor(source: Tensor, result: Tensor) -> float:
    """Return what centred inputs are multiplied by."""
    return float(source.scale) / float(result.scale)


class _Rule(_lookup.LookupRule):
    kind, builtin = "quantize", "QUANTIZE"

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1)
        source = _legal.activation(graph, op, dtypes=tuple(_RESULTS))
        result = _legal.output(graph, op, _RESULTS[source.dtype])
        _legal.shape_is(op, result, source.shape)
        _lookup.check_factor(op, source, factor(source, result))

    def compute(
        self, op: Op, source: Tensor, result: Tensor, values: _lookup.Int64
    ) -> _lookup.Int64:
        scaled = _lookup.rescale(values - source.zero_point, factor(source, result))
        return scaled + result.zero_point


RULE = _Rule()
