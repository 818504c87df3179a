"""Average and maximum pooling of int16."""

from __future__ import annotations

from dataclasses import replace

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, pool2d


def _lower(graph: Graph, op: Op) -> Lowering:
    lowering = pool2d.lower(graph, op)
    (call,) = lowering.calls
    return replace(lowering, calls=(replace(call, function=f"tk_{op.kind}_s16"),))


KINDS = pool2d.KINDS
KERNELS = (Kernel("pool2d_s16", "tk_pool2d_int16.h", _lower, reads="int16"),)
