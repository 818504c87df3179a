"""Resizing an image: where each row and column comes from is a table."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Call, Constant, Input, Kernel, Lowering, Output, dims

_MOST = 1 << 15  # rows or columns that an int16 can number


def _matches(graph: Graph, op: Op) -> bool:
    return max(dims(graph, op.inputs[0])[1:3]) < _MOST


def _lower(graph: Graph, op: Op) -> Lowering:
    before, after = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    rows, columns = (op.attrs.sources(before[i], after[i]).astype(np.int16) for i in (1, 2))
    source, result = Input(as_bytes=True), Output(as_bytes=True)
    pixel = after[3] * graph.tensors[op.outputs[0]].dtype.itemsize
    call = Call(
        "tk_resize_s8",
        (source, Constant("rows", rows), Constant("columns", columns), result),
        "tk_resize_params",
        {"in_w": before[2], "out_h": after[1], "out_w": after[2], "channels": pixel},
    )
    return Lowering((call,))


KINDS = ("resize_nearest_neighbor",)
KERNELS = (Kernel("resize_s8", "tk_resize.h", _lower, reads=None, matches=_matches),)
