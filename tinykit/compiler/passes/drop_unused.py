"""Removes ops whose results nobody reads, and tensors that no op names."""

from __future__ import annotations

import dataclasses

from tinykit.compiler.ir import Graph


def drop_unused(graph: Graph) -> Graph:
    """Keep the ops that the outputs depend on, and the tensors that these ops name.

    The inputs of the model stay, read or not: they are part of its interface. So do ops that
    write state.
    """
    needed = set(graph.outputs)
    kept = []
    for op in reversed(graph.ops):
        writes_state = any(graph.tensors[key].state for key in op.outputs)
        if writes_state or needed.intersection(op.outputs):
            kept.append(op)
            needed.update(key for key in op.inputs if key is not None)
            needed.update(op.outputs)
    needed.update(graph.inputs)
    tensors = {key: tensor for key, tensor in graph.tensors.items() if key in needed}
    return dataclasses.replace(graph, ops=kept[::-1], tensors=tensors)
