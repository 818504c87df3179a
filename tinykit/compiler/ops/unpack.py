"""UNPACK: a tensor cut along an axis, which disappears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves


@dataclass(frozen=True)
class Unpack:
    """The axis of the input that disappears, not negative."""

    axis: int


class _Rule(OpRule):
    kind, builtin, options = "unpack", "UNPACK", "UnpackOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> Unpack:
        rank = len(_legal.tensor(graph, op, 0, "input").shape)
        return Unpack(_moves.resolve_axis(op, int(options.axis), rank))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1, outputs=None)
        source, axis = _legal.activation(graph, op, dtypes=_legal.ACTIVATIONS), op.attrs.axis
        if source.shape[axis] != len(op.outputs):
            _legal.refuse(op, f"axis {axis} of {source.shape} does not give {len(op.outputs)}")
        for result in graph.output_tensors(op):
            _legal.quantized(op, result, "output", _legal.ACTIVATIONS)
            _legal.same_quantization(op, source, result)
            _legal.shape_is(op, result, source.shape[:axis] + source.shape[axis + 1 :])

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        assert inputs[0] is not None
        parts = np.moveaxis(inputs[0], op.attrs.axis, 0)
        return [np.ascontiguousarray(part) for part in parts]


RULE = _Rule()
