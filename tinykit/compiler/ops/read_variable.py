"""READ_VARIABLE: what a state holds now."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, _legal, _moves


class _Rule(_moves.ViewRule):
    kind, builtin = "read_variable", "READ_VARIABLE"

    def check(self, graph: Graph, op: Op) -> None:
        super().check(graph, op)
        state, result = _moves.moved(graph, op)
        _legal.require(state.state, op, f"{state.name!r} is no variable")
        _legal.shape_is(op, result, state.shape)

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        assert inputs[0] is not None
        return [inputs[0].copy()]


RULE = _Rule()
