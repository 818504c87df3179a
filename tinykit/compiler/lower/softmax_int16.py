"""Softmax of int16, by two tables with interpolation."""

from __future__ import annotations

from tinykit.compiler import softmax16
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Call, Constant, InPlace, Input, Kernel, Lowering, Output, softmax


def _lower(graph: Graph, op: Op) -> Lowering:
    assert op.inputs[0] is not None
    source = graph.tensors[op.inputs[0]]
    multiplier, shift = softmax16.input_scale(op.attrs.beta, source.scale)
    depth = source.shape[-1]
    call = Call(
        "tk_softmax_s16",
        (
            Input(),
            Constant("exponentials", softmax16.exponentials()),
            Constant("reciprocals", softmax16.reciprocals()),
            Output(),
        ),
        "tk_softmax_s16_params",
        {
            "rows": source.size // depth,
            "depth": depth,
            "multiplier": multiplier,
            "shift": -shift,
        },
    )
    return Lowering((call,), in_place=(InPlace(),))


KINDS = softmax.KINDS
KERNELS = (Kernel("softmax_s16", "tk_softmax_int16.h", _lower, reads="int16"),)
