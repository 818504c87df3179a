"""The largest or the smallest value over any axes."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Call, InPlace, Input, Kernel, Lowering, Output, _reduce


def _lower(graph: Graph, op: Op) -> Lowering:
    grid = _reduce.grid(graph, op)
    call = Call(
        "tk_extreme_s8",
        (Input(), Output()),
        "tk_extreme_params",
        {
            "keep_count": grid.keep_count,
            "keep_step": grid.keep_step,
            "gone_count": grid.gone_count,
            "gone_step": grid.gone_step,
            "smallest": int(op.kind == "reduce_min"),
        },
    )
    return Lowering((call,), in_place=(InPlace(distance=grid.distance),))


KINDS = ("reduce_max", "reduce_min")
KERNELS = (Kernel("extreme_s8", "tk_extreme.h", _lower, matches=_reduce.few_axes),)
