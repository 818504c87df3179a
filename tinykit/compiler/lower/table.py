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
    """Return the lowering that replaces each value v of an input by `table[v + 128]`."""
    unsigned = graph.tensors[op.outputs[0]].dtype == np.uint8
    call = Call(
        "tk_table_s8_u8" if unsigned else "tk_table_s8",
        (Input(position), Constant("table", table if unsigned else int8(table)), Output()),
        "tk_table_params",
        {"count": graph.tensors[op.outputs[0]].size},
    )
    return Lowering((call,), in_place=(InPlace(input=position),))


def _is_narrow(graph: Graph, op: Op) -> bool:
    return graph.tensors[op.outputs[0]].dtype.itemsize == 1


KINDS = tuple(kind for kind, rule in ops.rules().items() if isinstance(rule, LookupRule))
KERNELS = (Kernel("table_s8", "tk_table.h", _lower, matches=_is_narrow),)
