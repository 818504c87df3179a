"""CONCATENATION of tensors of one quantization along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves, _window


@dataclass(frozen=True)
class Concatenation:
    """The axis, not negative."""

    axis: int


class _Rule(OpRule):
    kind, builtin, options = "concatenation", "CONCATENATION", "ConcatenationOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> Concatenation:
        activation = _window.parse_activation(op, options)
        _legal.require(activation == "none", op, f"fused activation {activation}: not supported")
        rank = len(graph.tensors[op.outputs[0]].shape)
        return Concatenation(_moves.resolve_axis(op, int(options.axis), rank))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1, len(op.inputs))
        axis, length = op.attrs.axis, 0
        result = _legal.output(graph, op, _legal.ACTIVATIONS)
        for position in range(len(op.inputs)):
            source, _ = _moves.moved(graph, op, position)
            _legal.rank(op, source, len(result.shape), "input")
            size = source.shape[axis]
            _legal.shape_is(op, source, _moves.replaced(result.shape, axis, size), "input")
            length += size
        _legal.shape_is(op, result, _moves.replaced(result.shape, axis, length))

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        return [np.concatenate([part for part in inputs if part is not None], op.attrs.axis)]


RULE = _Rule()
