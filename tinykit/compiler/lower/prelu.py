"""The parametric rectifier."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Call, Constant, InPlace, Input, Kernel, Lowering, Output
from tinykit.compiler.ops import prelu


def _lower(graph: Graph, op: Op) -> Lowering:
    source, slope = (graph.tensors[key] for key in op.inputs if key is not None)
    result = graph.tensors[op.outputs[0]]
    above, below = prelu.RULE.scaling(graph, op)
    assert slope.data is not None
    call = Call(
        "tk_prelu_s8",
        (Input(), Constant("slope", slope.data.reshape(-1)), Output()),
        "tk_prelu_params",
        {
            "count": source.size,
            "slopes": slope.size,
            "zero_point": source.zero_point,
            "slope_zero_point": slope.zero_point,
            "above_multiplier": above[0],
            "above_shift": -above[1],
            "below_multiplier": below[0],
            "below_shift": -below[1],
            "to": {"zero_point": result.zero_point, "low": -128, "high": 127, "any_shift": 1},
        },
    )
    return Lowering((call,), in_place=(InPlace(),))


KINDS = ("prelu",)
KERNELS = (Kernel("prelu_s8", "tk_prelu.h", _lower),)
