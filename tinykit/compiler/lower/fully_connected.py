"""Fully connected layers: a matrix times each row of the input."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    Input,
    Kernel,
    Lowering,
    Output,
    _linear,
)


def _lower(graph: Graph, op: Op) -> Lowering:
    weights = _linear.weights(graph, op)
    bias, multiplier, shift = _linear.constants(graph, op, 0)
    per_channel = _linear.per_channel(graph, op)
    if not per_channel:
        multiplier = Constant("multiplier", multiplier.data[:1])
        shift = Constant("shift", shift.data[:1])
    units, depth = weights.shape
    call = Call(
        "tk_fully_connected_s8",
        (Input(), Constant("filter", weights), bias, multiplier, shift, Output()),
        "tk_fully_connected_params",
        {
            "rows": graph.tensors[op.outputs[0]].size // units,
            "in_c": depth,
            "out_c": units,
            "per_channel": int(per_channel),
            "to": _linear.output_stage(graph, op, 0),
        },
    )
    return Lowering((call,))


KINDS = ("fully_connected",)
KERNELS = (Kernel("fully_connected_s8", "tk_fully_connected.h", _lower),)
