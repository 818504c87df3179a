"""SLICE: a contiguous part of a tensor."""

from __future__ import annotations

from typing import Any

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import _legal, _slices


class _Rule(_slices.SliceRule):
    kind, builtin = "slice", "SLICE"

    def parse(self, options: Any, graph: Graph, op: Op) -> _slices.Slice:
        _legal.arity(op, 3)
        shape = _legal.tensor(graph, op, 0, "input").shape
        start = _legal.integers(graph, op, 1, "begin")
        size = _legal.integers(graph, op, 2, "size")
        if not len(shape) == len(start) == len(size):
            _legal.refuse(op, f"begin {start} and size {size} for shape {shape}")
        size = [  # -1: up to the end
            length - first if count == -1 else count
            for length, first, count in zip(shape, start, size, strict=True)
        ]
        return _slices.Slice(tuple(start), tuple(size), (1,) * len(shape))


RULE = _Rule()
