"""Fully connected layers for Helium: four outputs at a time."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    Input,
    Kernel,
    Lowering,
    Output,
    _helium,
    _linear,
    fully_connected,
)


def _lower(graph: Graph, op: Op) -> Lowering:
    bias, multiplier, left = _helium.constants(graph, op, 0)
    if not _linear.per_channel(graph, op):
        multiplier = Constant("multiplier", multiplier.data[:1])
        left = Constant("left", left.data[:1])
    call = Call(
        "tk_fully_connected_s8_helium",
        (
            Input(),
            Constant("filter", _linear.weights(graph, op)),
            bias,
            multiplier,
            left,
            Output(),
        ),
        "tk_fully_connected_params",
        fully_connected.params(graph, op),
    )
    return Lowering((call,))


KINDS = ("fully_connected",)
KERNELS = (
    Kernel(
        "fully_connected_s8_helium",
        "tk_fully_connected_helium.h",
        _lower,
        variant="helium",
        matches=_helium.right_shifts,
    ),
)
