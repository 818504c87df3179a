"""What ops share that only move bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, OpRule, _legal


@dataclass(frozen=True)
class View:
    """No parameters: the output's shape says it all."""


class ViewRule(OpRule):
    """An op whose output is its input under another shape.

    Whatever else the file gives (a shape, an axis) is dropped: shapes must be static, and those of
    the tensors already say it.
    """

    operands = slice(0, 1)

    def parse(self, options: Any, graph: Graph, op: Op) -> View:
        """Return nothing of interest."""
        return View()

    def check(self, graph: Graph, op: Op) -> None:
        """Require as many elements, and the same quantization, on both sides."""
        _legal.arity(op, 1)
        source, result = moved(graph, op)
        if source.size != result.size:
            _legal.refuse(op, f"cannot turn shape {source.shape} into {result.shape}")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Return the input under the output's shape."""
        assert inputs[0] is not None
        return [inputs[0].reshape(graph.tensors[op.outputs[0]].shape)]


def moved(graph: Graph, op: Op, position: int = 0) -> tuple[Tensor, Tensor]:
    """Return input `position` and the first output, which must share their quantization."""
    source = _legal.activation(graph, op, position, dtypes=_legal.ACTIVATIONS)
    result = _legal.output(graph, op, _legal.ACTIVATIONS)
    _legal.same_quantization(op, source, result)
    return source, result


def resolve_axis(op: Op, axis: int, rank: int) -> int:
    """Return `axis`, counted from the end when negative, as one of `rank` axes."""
    if not -rank <= axis < rank:
        _legal.refuse(op, f"axis {axis} of a tensor with {rank} dimensions")
    return axis % rank


def replaced(shape: Sequence[int], axis: int, size: int) -> tuple[int, ...]:
    """Return `shape` with another size along `axis`."""
    return (*shape[:axis], size, *shape[axis + 1 :])
