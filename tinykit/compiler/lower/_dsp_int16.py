"""Weights for the Arm DSP kernels of int16 activations, laid out as `tk_dsp_int16.h` describes."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import _dsp, _linear_int16
from tinykit.compiler.ops import Array, _linear

ROWS = 4


def matches(graph: Graph, op: Op, channel_axis: int = 0) -> bool:
    """Whether 32-bit sums are exact, and rounded once as the kernels do it."""
    once = _linear.rounds_once(graph, op)
    return once and _linear_int16.sums_are_short(graph, op, channel_axis)


def two_row_words(filters: Array) -> _dsp.Words:
    """Return the weight words of pairs of rows, uint32 (rows / 2, depth4 / 2).

    The depth is filled up to a multiple of 4 with zeros.

    Parameters
    ----------
    filters : int8 (rows, depth)
        An even number of rows, `lo` and `hi` alternating.
    """
    whole = _dsp.pad_to(filters, 1, 4)
    pairs = whole.reshape(whole.shape[0] // 2, 2, -1, 2)  # row pair, lo or hi, inputs, which of two
    octets = np.ascontiguousarray(pairs.transpose(0, 2, 3, 1)).view(np.uint8)
    return octets.reshape(pairs.shape[0], -1).view("<u4").astype(np.uint32)


def four_rows(filters: Array, start: Array) -> _dsp.Words:
    """Return a matrix for `tk_dsp_four_rows_s16`, uint32 (ceil(rows / 4), 4 + words).

    Parameters
    ----------
    filters : int8 (rows, depth)
    start : int (rows,), within 32 bits
    """
    words = two_row_words(_dsp.pad_to(filters, 0, ROWS))
    groups = words.shape[0] // 2
    beside = words.reshape(groups, 2, -1).transpose(0, 2, 1).reshape(groups, -1)
    return np.hstack([_dsp.wrap(_dsp.pad_to(start, 0, ROWS)).reshape(groups, ROWS), beside])
