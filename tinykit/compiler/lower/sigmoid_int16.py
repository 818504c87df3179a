"""Logistic and tanh of int16, by a table with interpolation."""

from __future__ import annotations

from tinykit.compiler import ops, sigmoid16
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Call, Constant, InPlace, Input, Kernel, Lowering, Output
from tinykit.compiler.ops._sigmoid import SigmoidRule

_FUNCTIONS = {"logistic": "tk_logistics_s16", "tanh": "tk_tanhs_s16"}


def _lower(graph: Graph, op: Op) -> Lowering:
    rule = ops.rule(op)
    assert isinstance(rule, SigmoidRule)
    multiplier, shift = rule.table_input(graph, op)
    count = graph.tensors[op.outputs[0]].size
    call = Call(
        _FUNCTIONS[op.kind],
        (Input(), Constant("sigmoid", sigmoid16.table()), Output()),
        "tk_sigmoid_s16_params",
        {"count": count, "multiplier": multiplier, "shift": shift},
    )
    return Lowering((call,), in_place=(InPlace(),))


KINDS = tuple(_FUNCTIONS)
KERNELS = (Kernel("sigmoid_s16", "tk_sigmoid_int16.h", _lower, reads="int16"),)
