"""What ops share that give the same bytes another shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal


@dataclass(frozen=True)
class View:
    """No parameters: the output's shape says it all."""


class ViewRule(OpRule):
    """An op whose output is its input under another shape. Further inputs are ignored: the shapes
    in the file, which must be static, already tell their effect."""

    most_inputs = 1

    def parse(self, options: Any, graph: Graph, op: Op) -> View:
        """Return nothing of interest."""
        return View()

    def check(self, graph: Graph, op: Op) -> None:
        """Require as many elements, and the same quantization, on both sides."""
        _legal.arity(op, 1, self.most_inputs)
        source, result = _legal.activation(graph, op), _legal.output(graph, op)
        _legal.same_quantization(op, source, result)
        if source.size != result.size:
            _legal.refuse(op, f"cannot turn shape {source.shape} into {result.shape}")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Return the input under the output's shape."""
        assert inputs[0] is not None
        return [inputs[0].reshape(graph.tensors[op.outputs[0]].shape)]
