"""Elementwise int16 ops with two inputs."""

from __future__ import annotations

from dataclasses import replace

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, binary


def _lower(graph: Graph, op: Op) -> Lowering:
    lowering = binary.lower(graph, op)
    (call,) = lowering.calls
    return replace(lowering, calls=(replace(call, function="tk_binary_s16"),))


KINDS = binary.KINDS
KERNELS = (
    Kernel(
        "binary_s16",
        "tk_binary_int16.h",
        _lower,
        reads="int16",
        matches=binary.few_axes,
        element=binary.element("tk_binary_element_s16"),
    ),
)
