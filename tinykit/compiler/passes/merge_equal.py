"""Computes once what a graph computes twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable

from tinykit.compiler.ir import Graph, Op, Tensor


def merge_equal(graph: Graph) -> Graph:
    """Let one op stand for all that do the same to the same inputs; so for equal constants.

    Converters leave such ops behind where one value goes to several places in another
    quantization. Ops that give an output of the model, or read or write a state, stay.
    """
    first: dict[Hashable, int] = {}
    for key, tensor in graph.tensors.items():
        if tensor.data is not None and not tensor.state and key not in graph.outputs:
            first.setdefault(_content(tensor), key)
    same = {
        key: first[_content(tensor)]
        for key, tensor in graph.tensors.items()
        if tensor.data is not None and not tensor.state and key not in graph.outputs
    }
    seen: dict[Hashable, Op] = {}
    kept = []
    for op in graph.ops:
        op = dataclasses.replace(
            op, inputs=tuple(key if key is None else same.get(key, key) for key in op.inputs)
        )
        named = {key for key in (*op.inputs, *op.outputs) if key is not None}
        if any(graph.tensors[key].state for key in named) or named & set(graph.outputs):
            kept.append(op)
            continue
        results = tuple(_meaning(graph.tensors[key]) for key in op.outputs)
        twin = seen.setdefault((op.kind, op.inputs, op.attrs, results), op)
        if twin is op:
            kept.append(op)
        else:
            same.update(zip(op.outputs, twin.outputs, strict=True))
    return dataclasses.replace(graph, ops=kept)


def _content(tensor: Tensor) -> Hashable:
    assert tensor.data is not None
    return (_meaning(tensor), tensor.data.tobytes())


def _meaning(tensor: Tensor) -> Hashable:
    """Return what two tensors have in common whose bytes mean the same."""
    quantization = tensor.quantization
    if quantization is None:
        return (tensor.shape, tensor.dtype)
    steps = (quantization.scale.tobytes(), quantization.zero_point.tobytes(), quantization.axis)
    return (tensor.shape, tensor.dtype, steps)
