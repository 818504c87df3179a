"""Reading and assigning states: reads are free where nobody assigns before the last use."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, move
from tinykit.compiler.passes.fold_views import VIEWS


def _stays(graph: Graph, op: Op) -> bool:
    """Whether the state keeps its value for as long as anyone uses what `op` read."""
    if op.kind != "read_variable":
        return False
    state, same = op.inputs[0], {op.outputs[0]}
    start = next(i for i, other in enumerate(graph.ops) if other.outputs == op.outputs)
    last = start
    for position, other in enumerate(graph.ops):
        if same.intersection(other.inputs):
            last = position
            if other.kind in VIEWS:
                same.add(other.outputs[0])
    if same.intersection(graph.outputs):
        return False
    return not any(state in other.outputs for other in graph.ops[start : last + 1])


def _lower(graph: Graph, op: Op) -> Lowering:
    return Lowering(view=True)


KINDS = ("read_variable", "assign_variable")
KERNELS = (Kernel("view", "", _lower, reads=None, matches=_stays), *move.KERNELS)
