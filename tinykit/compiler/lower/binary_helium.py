"""Sums, differences and products for Helium, where neighbours are neighbours in memory."""

from __future__ import annotations

from dataclasses import replace

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, binary

_MAX_SHIFT = 31


def _matches(graph: Graph, op: Op) -> bool:
    if binary.has_scalar(graph, op) or not binary.few_axes(graph, op):
        return False
    last = binary.axes(graph, op)[-1:]
    steps = {step for axis in last for step in axis.steps}
    return steps <= {0, 1} and binary.scales_down(graph, op, _MAX_SHIFT)


def _lower(graph: Graph, op: Op) -> Lowering:
    lowering = binary.lower(graph, op)
    (call,) = lowering.calls
    return replace(lowering, calls=(replace(call, function="tk_binary_s8_helium"),))


KINDS = ("add", "sub", "mul")
KERNELS = (
    Kernel("binary_s8_helium", "tk_binary_helium.h", _lower, variant="helium", matches=_matches),
)
