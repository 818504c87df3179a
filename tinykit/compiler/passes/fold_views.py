"""Removes reshapes that no op needs: bytes lie in memory in one order, whatever the shape."""

from __future__ import annotations

import dataclasses

from tinykit.compiler.ir import Graph, Op

VIEWS = frozenset({"reshape", "squeeze", "expand_dims"})
SHAPELESS = frozenset({"fully_connected"}) | VIEWS
"""Ops whose result depends on the bytes of input 0, not on its shape."""


def fold_views(graph: Graph) -> Graph:
    """Let ops that do not care about the shape read what a view was made from.

    A view whose shape someone needs, or that is an output of the model, stays; chains of views
    become one. Views that nothing reads any more are left for `drop_unused`.
    """
    source: dict[int, int] = {}  # of each view: the tensor that holds its bytes

    def resolve(op: Op, position: int, key: int | None) -> int | None:
        if key is None or key not in source:
            return key
        blind = op.kind in SHAPELESS and position == 0
        same = graph.tensors[key].shape == graph.tensors[source[key]].shape
        return source[key] if blind or same else key

    kept = []
    for op in graph.ops:
        inputs = tuple(resolve(op, position, key) for position, key in enumerate(op.inputs))
        op = dataclasses.replace(op, inputs=inputs)
        if op.kind in VIEWS and inputs[0] is not None:
            source[op.outputs[0]] = inputs[0]
        kept.append(op)
    return dataclasses.replace(graph, ops=kept)
