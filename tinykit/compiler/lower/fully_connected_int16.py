"""Fully connected layers with int16 activations."""

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
    _linear_int16,
    fully_connected,
)


def params(graph: Graph, op: Op) -> Params:
    """Return the initialisers of `tk_fully_connected_s16_params`."""
    return {**fully_connected.shape(graph, op), "to": _linear_int16.output_stage(graph, op)}


def _lower(graph: Graph, op: Op) -> Lowering:
    bias, multiplier, shift = _linear_int16.constants(graph, op, 0)
    if not _linear.per_channel(graph, op):
        multiplier = Constant("multiplier", multiplier.data[:1])
        shift = Constant("shift", shift.data[:1])
    filters = Constant("filter", _linear.weights(graph, op))
    call = Call(
        _linear_int16.named(graph, op, 0, "tk_fully_connected_s16", "tk_fully_connected_wide_s16"),
        (Input(), filters, bias, multiplier, shift, Output()),
        "tk_fully_connected_s16_params",
        params(graph, op),
    )
    return Lowering((call,))


KINDS = fully_connected.KINDS
KERNELS = (
    Kernel(
        "fully_connected_s16",
        "tk_fully_connected_int16.h",
        _lower,
        reads=_linear_int16.READS,
    ),
)
