"""Sums, differences and products for the Arm DSP extension."""

from __future__ import annotations

from dataclasses import replace

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, _dsp, binary


def _matches(graph: Graph, op: Op) -> bool:
    plain = binary.few_axes(graph, op) and not binary.has_scalar(graph, op)
    return plain and binary.scales_down(graph, op, _dsp.MAX_SHIFT)


def _lower(graph: Graph, op: Op) -> Lowering:
    lowering = binary.lower(graph, op)
    (call,) = lowering.calls
    return replace(lowering, calls=(replace(call, function="tk_binary_s8_dsp"),))


KINDS = ("add", "sub", "mul")
KERNELS = (
    Kernel(
        "binary_s8_dsp",
        "tk_binary_dsp.h",
        _lower,
        variant="dsp",
        matches=_matches,
        element=binary.element("tk_dsp_binary_element"),
    ),
)
