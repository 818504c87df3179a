"""Ops that give the same bytes another shape: no code, or a copy of a constant or a state."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, move


def _in_arena(graph: Graph, op: Op) -> bool:
    """Whether input and output can be the same bytes of the arena."""
    assert op.inputs[0] is not None
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    return source.data is None and not source.state and not result.state


def _lower(graph: Graph, op: Op) -> Lowering:
    return Lowering(view=True)


KINDS = ("reshape", "squeeze", "expand_dims")
KERNELS = (Kernel("view", "", _lower, reads=None, matches=_in_arena), *move.KERNELS)
