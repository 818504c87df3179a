"""What ops made of other ops share: they compute what those compute, one after the other."""

from __future__ import annotations

from typing import Any

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal


class ComposedRule(OpRule):
    """An op whose `attrs.body` is a tuple of ops in order; no file has it.

    Inputs: what the body reads from outside. Output: that of the last op. What the other ops write
    is nowhere in memory as a whole, but keeps its number and shape in the graph.
    """

    builtin = ""

    def parse(self, options: Any, graph: Graph, op: Op) -> Any:
        """Refuse: there is nothing to parse."""
        raise NotImplementedError("no file has this op")

    def check(self, graph: Graph, op: Op) -> None:
        """Check every op of the body, and that it reads only what it is given."""
        known = {key for key in op.inputs if key is not None}
        for part in op.attrs.body:
            missing = [key for key in part.inputs if key is not None and key not in known]
            _legal.require(not missing, op, f"{part} reads {missing}, which it is not given")
            known.update(part.outputs)
            ops.rule(part).check(graph, part)
        _legal.require(op.outputs == op.attrs.body[-1].outputs, op, "its output is not its last")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Compute one op after the other."""
        values = dict(zip(op.inputs, inputs, strict=True))
        for part in op.attrs.body:
            given = [None if key is None else values[key] for key in part.inputs]
            values.update(
                zip(part.outputs, ops.rule(part).reference(graph, part, given), strict=True)
            )
        results = [values[key] for key in op.outputs]
        return [value for value in results if value is not None]

    def macs(self, graph: Graph, op: Op) -> int:
        """Return the sum over the body: nothing is computed twice."""
        return sum(ops.rule(part).macs(graph, part) for part in op.attrs.body)


def body_text(body: tuple[Op, ...]) -> str:
    """Return `3 add > 4 logistic`."""
    return " > ".join(f"{op.index} {op.kind}" for op in body)
