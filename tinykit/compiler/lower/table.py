"""Elementwise int8 ops with one computed input: one look-up kernel for all."""

from __future__ import annotations

import numpy as np

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    InPlace,
    Input,
    Kernel,
    Lowering,
    Output,
    int8,
)
from tinykit.compiler.ops._lookup import LookupRule


def _lower(graph: Graph, op: Op) -> Lowering:
    rule = ops.rule(op)
    assert isinstance(rule, LookupRule)
    return look_up(graph, op, 0, rule.table(graph, op))


def look_up(graph: Graph, op: Op, position: int, table: np.ndarray) -> Lowering:
    """Return the lowering that replaces each byte of an input: -128 by `table[0]`, and so on."""
    source, result = op.inputs[position], op.outputs[0]
    assert source is not None
    dtypes = graph.tensors[source].dtype.name, graph.tensors[result].dtype.name
    unsigned = dtypes[1] == "uint8"
    call = Call(
        _FUNCTIONS[dtypes],
        (Input(position), Constant("table", table if unsigned else int8(table)), Output()),
        "tk_table_params",
        {"count": graph.tensors[op.outputs[0]].size},
    )
    return Lowering((call,), in_place=(InPlace(input=position),))


def looked_up(position: int, table: np.ndarray) -> Call:
    """Return the call that replaces one int8 of an input."""
    return Call("tk_table_element", (Input(position), Constant("table", int8(table))), "", {})


def _element(graph: Graph, op: Op) -> Call:
    rule = ops.rule(op)
    assert isinstance(rule, LookupRule)
    return looked_up(0, rule.table(graph, op))


def _is_narrow(graph: Graph, op: Op) -> bool:
    return graph.tensors[op.outputs[0]].dtype.itemsize == 1


_FUNCTIONS = {
    ("int8", "int8"): "tk_table_s8",
    ("int8", "uint8"): "tk_table_s8_u8",
    ("uint8", "int8"): "tk_table_u8_s8",
}
KINDS = tuple(kind for kind, rule in ops.rules().items() if isinstance(rule, LookupRule))
KERNELS = (
    Kernel("table_s8", "tk_table.h", _lower, matches=_is_narrow, element=_element),
    Kernel("table_u8", "tk_table.h", _lower, reads="uint8"),
)
