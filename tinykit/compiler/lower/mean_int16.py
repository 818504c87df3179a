"""The mean of int16 over any axes."""

from __future__ import annotations

from dataclasses import replace

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, _reduce, mean


def _lower(graph: Graph, op: Op) -> Lowering:
    lowering = mean.lower(graph, op)
    (call,) = lowering.calls
    return replace(lowering, calls=(replace(call, function="tk_mean_s16"),))


KINDS = mean.KINDS
KERNELS = (Kernel("mean_s16", "tk_mean_int16.h", _lower, reads="int16", matches=_reduce.few_axes),)
