"""What ops share that reduce a tensor over some of its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import OpRule, _legal, _moves


@dataclass(frozen=True)
class Reduce:
    """The axes of the input that go, ascending. The output may keep them with size 1."""

    axes: tuple[int, ...]


class ReduceRule(OpRule):
    """Parse a reduction and check its shapes."""

    operands = slice(0, 1)

    def parse(self, options: Any, graph: Graph, op: Op) -> Reduce:
        """Return the axes, an input that must be constant."""
        _legal.arity(op, 2)
        rank = len(_legal.tensor(graph, op, 0, "input").shape)
        axes = _legal.integers(graph, op, 1, "axes")
        return Reduce(tuple(sorted({_moves.resolve_axis(op, axis, rank) for axis in axes})))

    def check_shape(self, op: Op, source: Tensor, result: Tensor) -> None:
        """Refuse `op` unless its output is the input without the axes, or with ones for them."""
        kept = [size for axis, size in enumerate(source.shape) if axis not in op.attrs.axes]
        ones = [1 if axis in op.attrs.axes else size for axis, size in enumerate(source.shape)]
        if list(result.shape) not in (kept, ones):
            _legal.refuse(op, f"its output has shape {result.shape}, should be {kept} or {ones}")
