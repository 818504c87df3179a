"""Sums and differences for the Arm DSP extension, where nothing is broadcast."""

from __future__ import annotations

from dataclasses import replace

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, binary
from tinykit.compiler.ops import _sum


def _matches(graph: Graph, op: Op) -> bool:
    rule = ops.rule(op)
    sizes = {graph.tensors[key].size for key in (*op.inputs, *op.outputs) if key is not None}
    if not isinstance(rule, _sum.SumRule) or len(sizes) > 1 or sizes == {1}:
        return False
    scaling = rule.scaling(graph, op)
    # multipliers are below 1: sums of two stay below 2**29
    return all(-31 <= shift <= 0 for _, shift in (scaling.first, scaling.second, scaling.output))


def _lower(graph: Graph, op: Op) -> Lowering:
    lowering = binary.lower(graph, op)
    (call,) = lowering.calls
    return replace(lowering, calls=(replace(call, function="tk_sum_s8_dsp"),))


KINDS = ("add", "sub")
KERNELS = (Kernel("sum_s8_dsp", "tk_binary_dsp.h", _lower, variant="dsp", matches=_matches),)
