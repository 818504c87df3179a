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
    Params,
    _linear,
)


def params(graph: Graph, op: Op) -> Params:
    """Return the initialisers of `tk_fully_connected_params`."""
    return {**shape(graph, op), "to": _linear.output_stage(graph, op, 0)}


def shape(graph: Graph, op: Op) -> Params:
    """Return those initialisers that do not depend on the type of the activations."""
    units, depth = _linear.weights(graph, op).shape
    return {
        "rows": graph.tensors[op.outputs[0]].size // units,
        "in_c": depth,
        "out_c": units,
        "per_channel": int(_linear.per_channel(graph, op)),
    }


def _lower(graph: Graph, op: Op) -> Lowering:
    bias, multiplier, shift = _linear.constants(graph, op, 0)
    if not _linear.per_channel(graph, op):
        multiplier = Constant("multiplier", multiplier.data[:1])
        shift = Constant("shift", shift.data[:1])
    call = Call(
        "tk_fully_connected_s8",
        (
            Input(),
            Constant("filter", _linear.weights(graph, op)),
            bias,
            multiplier,
            shift,
            Output(),
        ),
        "tk_fully_connected_params",
        params(graph, op),
    )
    return Lowering((call,))


KINDS = ("fully_connected",)
KERNELS = (Kernel("fully_connected_s8", "tk_fully_connected.h", _lower),)
