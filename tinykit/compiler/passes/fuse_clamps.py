"""Lets a layer limit its own output where the op behind it does nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array
from tinykit.compiler.passes.fuse_tables import as_function


def fuse_clamps(graph: Graph) -> Graph:
    """Merge rectifiers, and other ops that only cut off ends, into the layers before them.

    RELU, RELU6, MAXIMUM with a constant and the like, where input and output are quantized alike:
    a layer's fused activation is the same clamp, at no cost. The layer then writes what the
    rectifier wrote. A layer whose output anything else reads keeps it.
    """
    readers = graph.consumers()
    ops: list[Op] = []
    made: dict[int, int] = {}  # where the op that makes a value is in `ops`
    for op in graph.ops:
        found = as_function(graph, op, {})
        if found is not None and found.root in made:
            place = made[found.root]
            only = len(readers[found.root]) == 1 and found.root not in graph.outputs
            layer = _clamping(graph, ops[place], op, found.table) if only else None
            if layer is not None:
                ops[place] = layer
                made[op.outputs[0]] = place
                continue
        if hasattr(op.attrs, "activation"):
            made[op.outputs[0]] = len(ops)
        ops.append(op)
    return dataclasses.replace(graph, ops=ops)


def _clamping(graph: Graph, layer: Op, op: Op, table: Array) -> Op | None:
    """Return the layer with an activation that does what `op` does by `table`, if there is one."""
    source, result = (graph.tensors[one.outputs[0]] for one in (layer, op))
    alike = (source.scale, source.zero_point) == (result.scale, result.zero_point)
    if result.state or result.dtype != np.int8 or not alike:
        return None
    low, high = _range(layer.attrs.activation, result)
    values = np.arange(low, high + 1)
    for activation in arithmetic.ACTIVATION_BOUNDS:
        limits = _range(activation, result)
        inside = low <= limits[0] and limits[1] <= high
        if inside and (table[values + 128] == np.clip(values, *limits)).all():
            attrs = dataclasses.replace(layer.attrs, activation=activation)
            return dataclasses.replace(layer, outputs=op.outputs, attrs=attrs)
    return None


def _range(activation: str, result: Tensor) -> tuple[int, int]:
    return arithmetic.activation_range(activation, result.scale, result.zero_point, result.dtype)
