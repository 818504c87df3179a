"""PAD: a border whose real value is zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves

_MAX_PAD = 1 << 15


@dataclass(frozen=True)
class Pad:
    """Elements added before and after, for each axis."""

    before: tuple[int, ...]
    after: tuple[int, ...]


class PadRule(OpRule):
    """A border around a tensor, along any axes."""

    operands = slice(0, 1)

    def fill(self, graph: Graph, op: Op) -> int:
        """Return the value of the border."""
        return graph.tensors[op.outputs[0]].zero_point

    def parse(self, options: Any, graph: Graph, op: Op) -> Pad:
        """Return the sizes of the border."""
        _legal.arity(op, 2)
        return self.sizes(graph, op)

    def sizes(self, graph: Graph, op: Op) -> Pad:
        """Return the sizes of the border, which input 1 holds."""
        rank = len(_legal.tensor(graph, op, 0, "input").shape)
        sizes = _legal.integers(graph, op, 1, "padding")
        if len(sizes) != 2 * rank or not all(0 <= size <= _MAX_PAD for size in sizes):
            _legal.refuse(op, f"padding {sizes} for {rank} dimensions")
        return Pad(tuple(sizes[0::2]), tuple(sizes[1::2]))

    def check(self, graph: Graph, op: Op) -> None:
        """Require that the output has room for the input and its border."""
        _legal.arity(op, 1)
        source, result = _moves.moved(graph, op)
        pads = zip(op.attrs.before, source.shape, op.attrs.after, strict=True)
        _legal.shape_is(op, result, [sum(sizes) for sizes in pads])

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Put the border around the input."""
        assert inputs[0] is not None
        widths = list(zip(op.attrs.before, op.attrs.after, strict=True))
        return [np.pad(inputs[0], widths, constant_values=self.fill(graph, op))]


class _Rule(PadRule):
    kind, builtin = "pad", "PAD"


RULE = _Rule()
