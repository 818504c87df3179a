"""Elementwise int8 ops with two inputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    InPlace,
    Input,
    Kernel,
    Lowering,
    Output,
    Params,
    _strides,
    dims,
    table,
)
from tinykit.compiler.ops import _binary, _lookup, _sum, mul

_CONSTANTS = {
    "add": "TK_SUM",
    "sub": "TK_DIFFERENCE",
    "mul": "TK_PRODUCT",
    "maximum": "TK_MAXIMUM",
    "minimum": "TK_MINIMUM",
}


def _scalar(graph: Graph, op: Op) -> int | None:
    """Return the position of an input that is one constant value, or None."""
    for position, key in enumerate(op.inputs):
        assert key is not None
        tensor = graph.tensors[key]
        if tensor.data is not None and not tensor.state and tensor.size == 1:
            return position
    return None


def has_scalar(graph: Graph, op: Op) -> bool:
    """Whether an input is one constant value: the op is a function of the other then."""
    scalar = _scalar(graph, op)
    return scalar is not None and graph.tensors[op.inputs[1 - scalar]].data is None  # type: ignore[index]


def _function(graph: Graph, op: Op) -> tuple[int, NDArray[np.int8]]:
    """Return the input that is no single value, and the op as a table of it."""
    scalar = _scalar(graph, op)
    assert scalar is not None
    key = op.inputs[scalar]
    assert key is not None
    inputs: list[ops.Array | None] = [None, None]
    inputs[scalar] = graph.tensors[key].data
    inputs[1 - scalar] = _lookup.INPUTS.astype(np.int8)
    (values,) = ops.rule(op).reference(graph, op, inputs)
    return 1 - scalar, values.reshape(-1)


def _lower_with_scalar(graph: Graph, op: Op) -> Lowering:
    """With one constant value, the op is a function of one int8: a table."""
    return table.look_up(graph, op, *_function(graph, op))


def _element_with_scalar(graph: Graph, op: Op) -> Call:
    return table.looked_up(*_function(graph, op))


def axes(graph: Graph, op: Op) -> list[_strides.Axis]:
    """Return the loops over the output, with the steps of both inputs."""
    result = dims(graph, op.outputs[0])
    steps = [_strides.broadcast(dims(graph, key), result) for key in op.inputs]
    return _strides.merge(result, *steps)


def few_axes(graph: Graph, op: Op) -> bool:
    """Whether the kernel has as many loops as the broadcasting needs."""
    return len(axes(graph, op)) <= 4


def scales_down(graph: Graph, op: Op, most: int) -> bool:
    """Whether a sum or product is shifted right: operands not at all or so, the result 1..`most`.

    Multipliers are below 1, so that sums of two operands stay below 2**29.
    """
    rule = ops.rule(op)
    if isinstance(rule, _sum.SumRule):
        scaling = rule.scaling(graph, op)
        if any(not -31 <= shift <= 0 for _, shift in (scaling.first, scaling.second)):
            return False
        _, shift = scaling.output
    else:
        _, shift = mul.RULE.scaling(graph, op)
    return -most <= shift <= -1


def _arithmetic(graph: Graph, op: Op) -> Params:
    """Return the initialisers that say what is computed."""
    first, second = (graph.tensors[key].zero_point for key in op.inputs if key is not None)
    result = graph.tensors[op.outputs[0]]
    operands, output = [(0, 0), (0, 0)], (0, 0)
    rule = ops.rule(op)
    if isinstance(rule, _sum.SumRule):
        scaling = rule.scaling(graph, op)
        operands, output = [scaling.first, scaling.second], scaling.output
    elif rule is mul.RULE:
        output = mul.RULE.scaling(graph, op)
    low, high = _binary.output_range(op, result)
    return {
        "first": {
            "zero_point": first,
            "multiplier": operands[0][0],
            "shift": -operands[0][1],
        },
        "second": {
            "zero_point": second,
            "multiplier": operands[1][0],
            "shift": -operands[1][1],
        },
        "multiplier": output[0],
        "shift": -output[1],
        "to": {"zero_point": result.zero_point, "low": low, "high": high, "any_shift": 1},
    }


def lower(graph: Graph, op: Op) -> Lowering:
    """Lower an op of any shapes that `few_axes` accepts."""
    count, first, second = _strides.loops(axes(graph, op), 4, 2)
    call = Call(
        "tk_binary_s8",
        (Input(0), Input(1), Output()),
        "tk_binary_params",
        {
            "kind": _CONSTANTS[op.kind],
            "count": count,
            "first_step": first,
            "second_step": second,
            **_arithmetic(graph, op),
        },
    )
    size = graph.tensors[op.outputs[0]].size
    whole = [i for i, key in enumerate(op.inputs) if np.prod(dims(graph, key)) == size]
    return Lowering((call,), in_place=tuple(InPlace(input=i) for i in whole))


def element(function: str) -> Callable[[Graph, Op], Call]:
    """Return how `function(a, b, &params)` computes one element of an op."""

    def lowered(graph: Graph, op: Op) -> Call:
        params = {"kind": _CONSTANTS[op.kind], **_arithmetic(graph, op)}
        return Call(function, (Input(0), Input(1)), "tk_binary_params", params)

    return lowered


KINDS = tuple(_CONSTANTS)
KERNELS = (
    Kernel(
        "table_s8",
        "tk_table.h",
        _lower_with_scalar,
        matches=has_scalar,
        element=_element_with_scalar,
    ),
    Kernel(
        "binary_s8",
        "tk_binary.h",
        lower,
        matches=few_axes,
        element=element("tk_binary_element"),
    ),
)
