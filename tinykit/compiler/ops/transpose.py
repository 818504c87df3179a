"""TRANSPOSE: the axes in another order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves


@dataclass(frozen=True)
class Transpose:
    """Output axis i is input axis `permutation[i]`."""

    permutation: tuple[int, ...]


class _Rule(OpRule):
    kind, builtin, operands = "transpose", "TRANSPOSE", slice(0, 1)

    def parse(self, options: Any, graph: Graph, op: Op) -> Transpose:
        _legal.arity(op, 2)
        rank = len(_legal.tensor(graph, op, 0, "input").shape)
        axes = [
            _moves.resolve_axis(op, axis, rank)
            for axis in _legal.integers(graph, op, 1, "permutation")
        ]
        if sorted(axes) != list(range(rank)):
            _legal.refuse(op, f"{axes} is no permutation of {rank} axes")
        return Transpose(tuple(axes))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1)
        source, result = _moves.moved(graph, op)
        _legal.shape_is(op, result, [source.shape[axis] for axis in op.attrs.permutation])

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        assert inputs[0] is not None
        return [np.ascontiguousarray(inputs[0].transpose(op.attrs.permutation))]


RULE = _Rule()
