"""Layers over a whole image as sums that grow stripe by stripe: parts of ops, not ops of a graph.

`matrix_sums` and `channel_sums` add what a few rows contribute; `Reduction` has what comes before
and after them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Argument,
    Call,
    Constant,
    Input,
    Kernel,
    Lowering,
    Output,
    _linear,
    int8,
)
from tinykit.compiler.ops import _pool, mean


@dataclass(frozen=True, eq=False)
class Reduction:
    """An op whose outputs are made of one sum each.

    kind : of the kernels that add a part to the sums.
    start : int32 (sums,), what the sums begin with.
    """

    kind: str
    start: NDArray[np.int32]
    function: str
    constants: tuple[Constant, ...]
    struct: str
    params: dict[str, object]

    def begin(self, sums: Argument) -> Call:
        """Return the call that gives the sums their first values."""
        arguments = (Constant("start", self.start), sums)
        return Call("tk_start_sums", arguments, "tk_start_sums_params", {"count": self.start.size})

    def finish(self, sums: Argument) -> Call:
        """Return the call that makes the op's output of the sums."""
        arguments = (sums, *self.constants, Output())
        return Call(self.function, arguments, self.struct, self.params)  # type: ignore[arg-type]


def reduction(graph: Graph, op: Op) -> Reduction:
    """Return `op`, of which `striping.rows.is_reduction` is true, as a reduction."""
    return {"fully_connected": _matrix, "mean": _mean, "average_pool2d": _average}[op.kind](
        graph, op
    )


def _matrix(graph: Graph, op: Op) -> Reduction:
    bias, multiplier, shift = _linear.constants(graph, op, 0)
    per_channel = _linear.per_channel(graph, op)
    if not per_channel:
        multiplier = Constant("multiplier", multiplier.data[:1])
        shift = Constant("shift", shift.data[:1])
    params = {
        "count": bias.data.size,
        "per_channel": int(per_channel),
        "to": _linear.output_stage(graph, op, 0),
    }
    return Reduction(
        "matrix_sums",
        bias.data,
        "tk_scaled_sums_s8",
        (multiplier, shift),
        "tk_scaled_sums_params",
        params,
    )


def _mean(graph: Graph, op: Op) -> Reduction:
    assert op.inputs[0] is not None
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    multiplier, shift = mean.RULE.scaling(graph, op)
    low, high = arithmetic.type_range(result.dtype)
    pixels = source.size // result.size
    params = {
        "count": result.size,
        "per_channel": 0,
        "to": {"zero_point": result.zero_point, "low": low, "high": high, "any_shift": 1},
    }
    return Reduction(
        "channel_sums",
        np.full(result.size, -pixels * source.zero_point, np.int32),
        "tk_scaled_sums_s8",
        (
            Constant("multiplier", np.array([multiplier], np.int32)),
            Constant("shift", int8([-shift])),
        ),
        "tk_scaled_sums_params",
        params,
    )


def _average(graph: Graph, op: Op) -> Reduction:
    assert op.inputs[0] is not None
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    low, high = _pool.output_range(graph, op)
    pixels = source.size // result.size
    params = {"count": result.size, "pixels": pixels, "low": low, "high": high}
    zeros = np.zeros(result.size, np.int32)
    return Reduction(
        "channel_sums", zeros, "tk_average_sums_s8", (), "tk_average_sums_params", dict(params)
    )


def _lower_matrix(graph: Graph, op: Op) -> Lowering:
    weights = _linear.weights(graph, op)
    arguments = (Input(), Constant("filter", weights), Output())
    params = {"in_c": weights.shape[1], "out_c": weights.shape[0]}
    return Lowering((Call("tk_matrix_sums_s8", arguments, "tk_matrix_sums_params", params),))


def _lower_channels(graph: Graph, op: Op) -> Lowering:
    assert op.inputs[0] is not None
    size, channels = graph.tensors[op.inputs[0]].size, graph.tensors[op.outputs[0]].size
    params = {"pixels": size // channels, "channels": channels}
    arguments = (Input(), Output())
    return Lowering((Call("tk_channel_sums_s8", arguments, "tk_channel_sums_params", params),))


def _is(kind: str) -> Callable[[Graph, Op], bool]:
    return lambda graph, op: op.kind == kind


KINDS = ("matrix_sums", "channel_sums")
KERNELS = (
    Kernel("matrix_sums_s8", "tk_sums.h", _lower_matrix, matches=_is("matrix_sums")),
    Kernel("channel_sums_s8", "tk_sums.h", _lower_channels, matches=_is("channel_sums")),
)
