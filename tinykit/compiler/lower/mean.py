"""The mean over any axes."""

from __future__ import annotations

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    InPlace,
    Input,
    Kernel,
    Lowering,
    Output,
    _reduce,
)
from tinykit.compiler.ops import mean


def lower(graph: Graph, op: Op) -> Lowering:
    """Lower a mean of int8, or of int16 whose kernel differs in nothing but its name."""
    assert op.inputs[0] is not None
    result = graph.tensors[op.outputs[0]]
    grid = _reduce.grid(graph, op)
    multiplier, shift = mean.RULE.scaling(graph, op)
    low, high = arithmetic.type_range(result.dtype)
    call = Call(
        "tk_mean_s8",
        (Input(), Output()),
        "tk_mean_params",
        {
            "keep_count": grid.keep_count,
            "keep_step": grid.keep_step,
            "sum_count": grid.gone_count,
            "sum_step": grid.gone_step,
            "in_zero_point": graph.tensors[op.inputs[0]].zero_point,
            "multiplier": multiplier,
            "shift": -shift,
            "to": {"zero_point": result.zero_point, "low": low, "high": high, "any_shift": 1},
        },
    )
    distance = result.dtype.itemsize * grid.distance
    return Lowering((call,), in_place=(InPlace(distance=distance),))


KINDS = ("mean",)
KERNELS = (Kernel("mean_s8", "tk_mean.h", lower, matches=_reduce.few_axes),)
