"""STRIPES, which no file has: a chain of ops carried out over a few rows of the image at a time.

`tinykit.compiler.striping` makes it where whole tensors between the ops would need too much RAM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal


@dataclass(frozen=True)
class Stripes:
    """The ops, in order, and how many rows of the last tensor with rows a stripe gives.

    Inputs: the one tensor that comes from outside, then the constants. Output: that of the last op.
    What the other ops write is never in memory as a whole, but keeps its number and shape.
    """

    body: tuple[Op, ...]
    rows: int

    def __str__(self) -> str:
        chain = " > ".join(f"{op.index} {op.kind}" for op in self.body)
        return f"Stripes(rows={self.rows}: {chain})"


class _Rule(OpRule):
    kind, builtin = "stripes", ""

    def parse(self, options: Any, graph: Graph, op: Op) -> Stripes:
        raise NotImplementedError("no file has this op")

    def check(self, graph: Graph, op: Op) -> None:
        known = {key for key in op.inputs if key is not None}
        for part in op.attrs.body:
            missing = [key for key in part.inputs if key is not None and key not in known]
            _legal.require(not missing, op, f"{part} reads {missing}, which it is not given")
            known.update(part.outputs)
            ops.rule(part).check(graph, part)
        _legal.require(op.outputs == op.attrs.body[-1].outputs, op, "its output is not its last")
        _legal.require(op.attrs.rows > 0, op, "a stripe has no rows")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        values = dict(zip(op.inputs, inputs, strict=True))
        for part in op.attrs.body:
            given = [None if key is None else values[key] for key in part.inputs]
            values.update(
                zip(part.outputs, ops.rule(part).reference(graph, part, given), strict=True)
            )
        results = [values[key] for key in op.outputs]
        return [value for value in results if value is not None]

    def macs(self, graph: Graph, op: Op) -> int:
        # no row is computed twice: `striping.schedule` keeps those that the next stripe needs too
        return sum(ops.rule(part).macs(graph, part) for part in op.attrs.body)


RULE = _Rule()
