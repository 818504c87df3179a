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


class _Rule(OpRule):
    kind, builtin, operands = "pad", "PAD", slice(0, 1)

    def parse(self, options: Any, graph: Graph, op: Op) -> Pad:
        _legal.arity(op, 2)
        rank = len(_legal.tensor(graph, op, 0, "input").shape)
        sizes = _legal.integers(graph, op, 1, "padding")
        if len(sizes) != 2 * rank or not all(0 <= size <= _MAX_PAD for size in sizes):
            _legal.refuse(op, f"padding {sizes} for {rank} dimensions")
        return Pad(tuple(sizes[0::2]), tuple(sizes[1::2]))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1)
        source, result = _moves.moved(graph, op)
        pads = zip(op.attrs.before, source.shape, op.attrs.after, strict=True)
        _legal.shape_is(op, result, [sum(sizes) for sizes in pads])

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        assert inputs[0] is not None
        widths = list(zip(op.attrs.before, op.attrs.after, strict=True))
        zero = graph.tensors[op.outputs[0]].zero_point
        return [np.pad(inputs[0], widths, constant_values=zero)]


RULE = _Rule()
