"""Changes of scale and rectifiers to or from int16: two straight lines."""

from __future__ import annotations

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.lower import Call, InPlace, Input, Kernel, Lowering, Output, _distance
from tinykit.compiler.ops import leaky_relu, quantize, relu

_FUNCTIONS = {
    ("int16", "int16"): "tk_rescale_s16",
    ("int16", "int8"): "tk_rescale_s16_s8",
    ("int8", "int16"): "tk_rescale_s8_s16",
}


def _factors(op: Op, source: Tensor, result: Tensor) -> tuple[float, float]:
    """Return what centred inputs are multiplied by, from 0 up and below."""
    if op.kind == "relu":
        return relu.factor(source, result), 0.0
    if op.kind == "relu6":
        return 1.0, 1.0
    if op.kind == "leaky_relu":
        return leaky_relu.factors(op, source, result)
    return (quantize.factor(source, result),) * 2


def _limits(op: Op, result: Tensor) -> tuple[int, int]:
    if op.kind == "relu6":
        return arithmetic.activation_range("relu6", result.scale, result.zero_point, result.dtype)
    return arithmetic.type_range(result.dtype)


def _lower(graph: Graph, op: Op) -> Lowering:
    assert op.inputs[0] is not None
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    above, below = _factors(op, source, result)
    multiplier, shift = arithmetic.quantize_multiplier(above)
    below_multiplier, below_shift = arithmetic.quantize_multiplier(abs(below))
    low, high = _limits(op, result)
    call = Call(
        _FUNCTIONS[source.dtype.name, result.dtype.name],
        (Input(), Output()),
        "tk_rescale_params",
        {
            "count": source.size,
            "in_zero_point": source.zero_point,
            "multiplier": multiplier,
            "shift": -shift,
            "below_multiplier": below_multiplier,
            "below_shift": -below_shift,
            "below_negated": int(below < 0),
            "zero_point": result.zero_point,
            "low": low,
            "high": high,
        },
    )
    element = np.arange(source.size)
    distance = _distance.streaming(
        element * source.dtype.itemsize, (element + 1) * result.dtype.itemsize, reads_first=True
    )
    return Lowering((call,), in_place=(InPlace(distance=distance),))


def _widens(graph: Graph, op: Op) -> bool:
    return graph.tensors[op.outputs[0]].dtype == np.int16


KINDS = ("relu", "relu6", "leaky_relu", "quantize")
KERNELS = (
    Kernel("rescale_s16", "tk_rescale_int16.h", _lower, reads="int16"),
    Kernel("rescale_s8_s16", "tk_rescale_int16.h", _lower, matches=_widens),
)
