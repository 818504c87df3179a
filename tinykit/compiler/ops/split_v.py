"""SPLIT_V of a tensor into parts of given sizes along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves
from tinykit.compiler.ops.split import Split


class _Rule(OpRule):
    kind, builtin, operands = "split_v", "SPLIT_V", slice(0, 1)

    def parse(self, options: Any, graph: Graph, op: Op) -> Split:
        # the shapes of the outputs, which `check` holds against the input, say the sizes as well
        _legal.arity(op, 3, outputs=None)
        axis = _legal.integers(graph, op, 2, "axis")
        _legal.require(len(axis) == 1, op, f"has {len(axis)} axes, not 1")
        rank = len(_legal.tensor(graph, op, 0, "input").shape)
        return Split(_moves.resolve_axis(op, axis[0], rank))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1, outputs=None)
        source = _legal.activation(graph, op, dtypes=_legal.ACTIVATIONS)
        axis, length = op.attrs.axis, 0
        for result in graph.output_tensors(op):
            _legal.quantized(op, result, "output", _legal.ACTIVATIONS)
            _legal.same_quantization(op, source, result)
            _legal.rank(op, result, len(source.shape), "output")
            _legal.shape_is(op, result, _moves.replaced(source.shape, axis, result.shape[axis]))
            length += result.shape[axis]
        if length != source.shape[axis]:
            _legal.refuse(op, f"its parts have {length} of {source.shape[axis]} elements")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        assert inputs[0] is not None
        sizes = [result.shape[op.attrs.axis] for result in graph.output_tensors(op)]
        parts = np.split(inputs[0], np.cumsum(sizes)[:-1], op.attrs.axis)
        return [np.ascontiguousarray(part) for part in parts]


RULE = _Rule()
