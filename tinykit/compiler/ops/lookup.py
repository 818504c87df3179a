"""LOOKUP, which no file has: any function of one int8, several elementwise ops in one.

`tinykit.compiler.passes.fuse_tables` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _legal, _lookup


@dataclass(frozen=True)
class Table:
    """The output of each input, -128 first: 256 values of the output's dtype."""

    values: tuple[int, ...] = field(repr=False)


class _Rule(_lookup.LookupRule):
    kind, builtin = "lookup", ""

    def parse(self, options: Any, graph: Graph, op: Op) -> Table:
        raise NotImplementedError("no file has this op")

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1)
        source = _legal.activation(graph, op)
        result = _legal.output(graph, op, (_legal.INT8, _legal.UINT8))
        _legal.shape_is(op, result, source.shape)
        limits = np.iinfo(result.dtype)
        values = op.attrs.values
        fits = len(values) == 256 and limits.min <= min(values) and max(values) <= limits.max
        _legal.require(fits, op, f"its table is not 256 values of {result.dtype}")

    def compute(
        self, op: Op, source: Tensor, result: Tensor, values: _lookup.Int64
    ) -> _lookup.Int64:
        return np.array(op.attrs.values, np.int64)[values + 128]

    def table(self, graph: Graph, op: Op) -> Array:
        """Return the values as they are."""
        return np.array(op.attrs.values, graph.tensors[op.outputs[0]].dtype)


RULE = _Rule()
