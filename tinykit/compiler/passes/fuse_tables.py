"""Makes one table of elementwise ops in a row: all they compute is a function of one byte."""

from __future__ import annotations

import dataclasses

import numpy as np

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _binary, _lookup, lookup

_BYTES = _lookup.INPUTS.astype(np.int8)


@dataclasses.dataclass(frozen=True, eq=False)
class Function:
    """A value as a function of each element of another one."""

    root: int
    table: Array  # (256,)


def fuse_tables(graph: Graph) -> Graph:
    """Replace chains of elementwise ops over one int8 tensor by LOOKUP.

    Sums and products belong to a chain when their other operand is a single constant, or another
    function of the same tensor (`x * logistic(x)`). What is computed for others as well stays:
    those ops go on reading it, unless two branches meet, where the table costs less than the op.
    Ops that change nothing go, and the ones in between are left for `drop_unused`.
    """
    known: dict[int, Function] = {}
    same: dict[int, int] = {}  # of each value that is another one: that one
    readers = graph.consumers()
    kept = []
    for op in graph.ops:
        inputs = tuple(key if key is None else same.get(key, key) for key in op.inputs)
        op = dataclasses.replace(op, inputs=inputs)
        found = as_function(graph, op, known)
        if found is None:
            kept.append(op)
            continue
        result = op.outputs[0]
        if _alike(graph, result, found) and result not in graph.outputs:
            same[result] = found.root
            continue
        known[result] = found
        kept.append(op if not _pays(graph, op, found, readers) else _lookup_op(op, found))
    return dataclasses.replace(graph, ops=kept)


def as_function(graph: Graph, op: Op, known: dict[int, Function]) -> Function | None:
    """Return the op's output as a function of one tensor that is none itself, if it is one."""
    rule = ops.rule(op)
    if not isinstance(rule, _lookup.LookupRule | _binary.BinaryRule):
        return None
    result = graph.tensors[op.outputs[0]]
    sources: list[Function | None] = []
    values: list[Array | None] = []
    for key in op.inputs:
        assert key is not None
        tensor = graph.tensors[key]
        if tensor.data is not None and not tensor.state:
            if (tensor.data != tensor.data.flat[0]).any():
                return None
            values.append(np.broadcast_to(tensor.data.flat[0], (256,)))
            continue
        source = known.get(key, Function(key, _BYTES))
        if not _suits(graph.tensors[source.root], result):
            return None
        sources.append(source)
        values.append(source.table)
    roots = {source.root for source in sources if source is not None}
    if len(roots) != 1 or any(value is not None and value.dtype != np.int8 for value in values):
        return None
    (table,) = rule.reference(graph, op, values)
    return Function(roots.pop(), table)


def _suits(root: Tensor, result: Tensor) -> bool:
    """Whether elements of a result may be looked up by those of `root`."""
    narrow = root.dtype == np.int8 and result.dtype.itemsize == 1
    return narrow and not root.state and root.shape == result.shape


def _alike(graph: Graph, result: int, found: Function) -> bool:
    """Whether the function changes neither a byte nor what the byte means."""
    a, b = graph.tensors[found.root], graph.tensors[result]
    if not np.array_equal(found.table, _BYTES) or found.table.dtype != np.int8:
        return False
    return (a.scale, a.zero_point) == (b.scale, b.zero_point)


def _pays(graph: Graph, op: Op, found: Function, readers: dict[int, list[Op]]) -> bool:
    """Whether a table of the root is better than the op itself."""
    computed = [key for key in op.inputs if key is not None and graph.tensors[key].data is None]
    if len(computed) > 1:
        return True
    (source,) = computed
    return source != found.root and len(readers[source]) == 1 and source not in graph.outputs


def _lookup_op(op: Op, found: Function) -> Op:
    table = lookup.Table(tuple(int(value) for value in found.table))
    return dataclasses.replace(op, kind="lookup", inputs=(found.root,), attrs=table)
