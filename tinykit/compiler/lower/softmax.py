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
_MOST_CLASSES = 511  # int8: with more, an output may need a shift that C does not define


def _narrow(graph: Graph, op: Op) -> bool:
    depth = dims(graph, op.inputs[0])[-1]
    return graph.tensors[op.outputs[0]].dtype == np.int8 and depth <= _MOST_CLASSES


def _wide(graph: Graph, op: Op) -> bool:
    return graph.tensors[op.outputs[0]].dtype == np.int16


def _lower_narrow(graph: Graph, op: Op) -> Lowering:
    return Lowering((_call(graph, op, "tk_softmax_s8"),), in_place=(InPlace(),))


def _lower_wide(graph: Graph, op: Op) -> Lowering:
    return Lowering((_call(graph, op, "tk_softmax_s8_s16"),))


def _call(graph: Graph, op: Op, function: str) -> Call:
    assert op.inputs[0] is not None
    source = graph.tensors[op.inputs[0]]
    table = fixedpoint.softmax_exponentials(op.attrs.beta, source.scale)
    entries = int(np.flatnonzero(table >= _NOTHING)[-1]) + 1
    return Call(
        function,
        (Input(), Constant("table", table[:entries]), Output()),
        "tk_softmax_params",
        {
            "rows": source.size // source.shape[-1],
            "depth": source.shape[-1],
            "entries": entries,
        },
    )


KINDS = ("softmax",)
KERNELS = (
    Kernel("softmax_s8", "tk_softmax.h", _lower_narrow, matches=_narrow),
    Kernel("softmax_s8_s16", "tk_softmax.h", _lower_wide, matches=_wide),
)
