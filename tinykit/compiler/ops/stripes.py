"""STRIPES, which no file has: a chain of ops carried out over a few rows of the image at a time.

`tinykit.compiler.striping` makes it where whole tensors between the ops would need too much RAM.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import _composed, _legal


@dataclass(frozen=True)
class Stripes:
    """The ops, in order, and how many rows of the last tensor with rows a stripe gives.

    Inputs: the one tensor that comes from outside, then the constants. Output: that of the last op.
    """

    body: tuple[Op, ...]
    rows: int

    def __str__(self) -> str:
        return f"Stripes(rows={self.rows}: {_composed.body_text(self.body)})"


class _Rule(_composed.ComposedRule):
    kind = "stripes"  # no row is computed twice: `striping.schedule` keeps what is needed again

    def check(self, graph: Graph, op: Op) -> None:
        super().check(graph, op)
        _legal.require(op.attrs.rows > 0, op, "a stripe has no rows")


RULE = _Rule()
