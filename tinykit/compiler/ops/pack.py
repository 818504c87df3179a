"""PACK: tensors of one shape, stacked along a new axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves


@dataclass(frozen=True)
class Pack:
    """The new axis of the output, not negative."""

    axis: int


class _Rule(OpRule):
    kind, builtin, options = "pack", "PACK", "PackOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> Pack:
        rank = len(graph.tensors[op.outputs[0]].shape)
        return Pack(_moves.resolve_axis(op, int(options.axis), rank))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1, len(op.inputs))
        result, axis = _legal.output(graph, op, _legal.ACTIVATIONS), op.attrs.axis
        for position in range(len(op.inputs)):
            source, _ = _moves.moved(graph, op, position)
            _legal.shape_is(op, source, result.shape[:axis] + result.shape[axis + 1 :], "input")
        _legal.shape_is(op, result, _moves.replaced(result.shape, axis, len(op.inputs)))

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        return [np.stack([part for part in inputs if part is not None], op.attrs.axis)]


RULE = _Rule()
