"""Softmax by a table of exponentials."""

from __future__ import annotations

import numpy as np

from tinykit.compiler import fixedpoint
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    InPlace,
    Input,
    Kernel,
    Lowering,
    Output,
    dims,
)

_NOTHING = 1 << 11  # exponentials below it round to 0 in the sum (Q12.19) and in the output
_MOST_CLASSES = 511  # with more, the sum may need a shift that C does not define


def _matches(graph: Graph, op: Op) -> bool:
    depth = dims(graph, op.inputs[0])[-1]
    return graph.tensors[op.outputs[0]].dtype == np.int8 and depth <= _MOST_CLASSES


def _lower(graph: Graph, op: Op) -> Lowering:
    assert op.inputs[0] is not None
    source = graph.tensors[op.inputs[0]]
    table = fixedpoint.softmax_exponentials(op.attrs.beta, source.scale)
    entries = int(np.flatnonzero(table >= _NOTHING)[-1]) + 1
    call = Call(
        "tk_softmax_s8",
        (Input(), Constant("table", table[:entries]), Output()),
        "tk_softmax_params",
        {
            "rows": source.size // source.shape[-1],
            "depth": source.shape[-1],
            "entries": entries,
        },
    )
    return Lowering((call,), in_place=(InPlace(),))


KINDS = ("softmax",)
KERNELS = (Kernel("softmax_s8", "tk_softmax.h", _lower, matches=_matches),)
