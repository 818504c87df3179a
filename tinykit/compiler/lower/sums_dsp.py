"""Sums of a matrix times a part of its input, for the Arm DSP extension."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    Input,
    Kernel,
    Lowering,
    Output,
    Scratch,
    _dsp,
    _four_rows,
    _linear,
)


def _matches(graph: Graph, op: Op) -> bool:
    weights = _linear.weights(graph, op)
    zeros = np.zeros(weights.shape[0], np.int32)
    return _dsp.pairs_fit(weights) and _four_rows.sums_fit(weights, zeros)


def _lower(graph: Graph, op: Op) -> Lowering:
    weights = _linear.weights(graph, op)
    matrix = _four_rows.pack(weights, np.zeros(weights.shape[0], np.int32), wide=False)
    packed, cross = Constant("packed", matrix.words), Scratch(ctype="int32_t")
    params = {"in_c": weights.shape[1], "out_c": weights.shape[0], "chunk": matrix.chunk}
    arguments = (Input(), packed, cross, Output())
    call = Call("tk_matrix_sums_s8_dsp", arguments, "tk_matrix_sums_dsp_params", params)
    return Lowering((call,), 4 * matrix.chunks)


KINDS = ("matrix_sums",)
KERNELS = (Kernel("matrix_sums_s8_dsp", "tk_sums_dsp.h", _lower, variant="dsp", matches=_matches),)
