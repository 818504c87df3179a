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
    _distance,
    _strides,
    dims,
)
from tinykit.compiler.ops import mean

_LOOPS = 3


def _axes(graph: Graph, op: Op) -> tuple[list[_strides.Axis], list[_strides.Axis]]:
    """Return the loops over the axes that stay and over those that are averaged."""
    source = dims(graph, op.inputs[0])
    steps = _strides.contiguous(source)
    gone = set(op.attrs.axes)
    kept, summed = (
        _strides.merge(
            [source[axis] for axis in range(len(source)) if (axis in gone) == averaged],
            [steps[axis] for axis in range(len(source)) if (axis in gone) == averaged],
        )
        for averaged in (False, True)
    )
    return kept, summed


def few_axes(graph: Graph, op: Op) -> bool:
    """Whether the kernel has as many loops as the axes need."""
    return max(map(len, _axes(graph, op))) <= _LOOPS


def lower(graph: Graph, op: Op) -> Lowering:
    """Lower a mean of int8, or of int16 whose kernel differs in nothing but its name."""
    assert op.inputs[0] is not None
    result = graph.tensors[op.outputs[0]]
    kept, summed = _axes(graph, op)
    keep_count, keep_step = _strides.loops(kept, _LOOPS, 1)
    sum_count, sum_step = _strides.loops(summed, _LOOPS, 1)
    multiplier, shift = mean.RULE.scaling(graph, op)
    low, high = arithmetic.type_range(result.dtype)
    call = Call(
        "tk_mean_s8",
        (Input(), Output()),
        "tk_mean_params",
        {
            "keep_count": keep_count,
            "keep_step": keep_step,
            "sum_count": sum_count,
            "sum_step": sum_step,
            "in_zero_point": graph.tensors[op.inputs[0]].zero_point,
            "multiplier": multiplier,
            "shift": -shift,
            "to": {"zero_point": result.zero_point, "low": low, "high": high, "any_shift": 1},
        },
    )
    reads = _strides.offsets(kept, 0)  # an output's first input is its lowest
    distance = result.dtype.itemsize * _distance.streaming(
        reads, range(1, reads.size + 1), reads_first=True
    )
    return Lowering((call,), in_place=(InPlace(distance=distance),))


KINDS = ("mean",)
KERNELS = (Kernel("mean_s8", "tk_mean.h", lower, matches=few_axes),)
