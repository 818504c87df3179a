"""SPLIT of a tensor into equal parts along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves


@dataclass(frozen=True)
class Split:
    """The axis, not negative. There are as many parts as outputs."""

    axis: int


class _Rule(OpRule):
    kind, builtin, operands = "split", "SPLIT", slice(1, 2)

    def parse(self, options: Any, graph: Graph, op: Op) -> Split:
        _legal.arity(op, 2, outputs=None)
        axis = _legal.integers(graph, op, 0, "axis")
        _legal.require(len(axis) == 1, op, f"has {len(axis)} axes, not 1")
        rank = len(_legal.tensor(graph, op, 1, "input").shape)
        return Split(_moves.resolve_axis(op, axis[0], rank))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1, outputs=None)
        _legal.require(len(op.outputs) > 0, op, "has no outputs")
        source, axis = _legal.activation(graph, op, dtypes=_legal.ACTIVATIONS), op.attrs.axis
        size, rest = divmod(source.shape[axis], len(op.outputs))
        if rest:
            _legal.refuse(op, f"cannot cut shape {source.shape} into {len(op.outputs)} parts")
        for result in graph.output_tensors(op):
            _legal.quantized(op, result, "output", _legal.ACTIVATIONS)
            _legal.same_quantization(op, source, result)
            _legal.shape_is(op, result, _moves.replaced(source.shape, axis, size))

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        assert inputs[0] is not None
        parts = np.split(inputs[0], len(op.outputs), op.attrs.axis)
        return [np.ascontiguousarray(part) for part in parts]


RULE = _Rule()
