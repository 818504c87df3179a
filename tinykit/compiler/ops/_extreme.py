"""The largest or the smallest value over some axes: what REDUCE_MAX and REDUCE_MIN share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, _legal, _moves, _reduce


class ExtremeRule(_reduce.ReduceRule):
    """Picks values: the interpreter refuses to change the scale on the way."""

    extreme: ClassVar[Callable[..., Any]]

    def check(self, graph: Graph, op: Op) -> None:
        """Require one quantization on both sides."""
        _legal.activation(graph, op)  # of int8
        source, result = _moves.moved(graph, op)
        self.check_shape(op, source, result)

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Pick along the axes."""
        assert inputs[0] is not None
        picked = type(self).extreme(inputs[0], axis=op.attrs.axes)
        return [picked.reshape(graph.tensors[op.outputs[0]].shape)]
