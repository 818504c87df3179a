"""Computes at compile time what does not depend on the input."""

from __future__ import annotations

import dataclasses

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op


def fold_constants(graph: Graph) -> Graph:
    """Replace ops that read only constants by their results."""
    tensors = dict(graph.tensors)
    kept: list[Op] = []
    for op in graph.ops:
        values = [
            None if key is None or tensors[key].state else tensors[key].data for key in op.inputs
        ]
        known = all(
            key is None or value is not None for key, value in zip(op.inputs, values, strict=True)
        )
        # an output of the model has to be written where the caller reads it
        if not known or set(op.outputs) & set(graph.outputs):
            kept.append(op)
            continue
        results = ops.rule(op).reference(graph, op, values)
        for key, result in zip(op.outputs, results, strict=True):
            result.flags.writeable = False
            tensors[key] = dataclasses.replace(tensors[key], data=result)
    return dataclasses.replace(graph, tensors=tensors, ops=kept)
