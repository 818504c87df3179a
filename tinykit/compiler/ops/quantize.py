"""QUANTIZE between int8 and int16, and from int8 to uint8: another scale and zero point."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import _legal, _lookup


def factor(source: Tensor, result: Tensor) -> float:
    """Return what centred inputs are multiplied by."""
    return float(source.scale) / float(result.scale)


class _Rule(_lookup.LookupRule):
    kind, builtin = "quantize", "QUANTIZE"

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1)
        source = _legal.activation(graph, op, dtypes=_legal.ACTIVATIONS)
        wide = source.dtype == _legal.INT16
        dtypes = _legal.ACTIVATIONS if wide else (*_legal.ACTIVATIONS, _legal.UINT8)
        result = _legal.output(graph, op, dtypes)
        _legal.shape_is(op, result, source.shape)
        _lookup.check_factor(op, source, factor(source, result))

    def compute(
        self, op: Op, source: Tensor, result: Tensor, values: _lookup.Int64
    ) -> _lookup.Int64:
        scaled = _lookup.rescale(values - source.zero_point, factor(source, result))
        return scaled + result.zero_point


RULE = _Rule()
