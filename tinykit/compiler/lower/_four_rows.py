"""Matrices for `tk_dsp_four_rows`: four rows of int8 weights and their biases in words."""

from __future__ import annotations

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.lower import _dsp
from tinykit.compiler.ops import Array

ROWS = 4


def packed(filters: Array, bias: Array, *, wide: bool) -> _dsp.Words:
    """Return a matrix as the kernel reads it, uint32 (ceil(rows / 4), 4 + depth4).

    Parameters
    ----------
    filters : int8 (rows, depth)
    bias : int32 (rows,)
    wide : bool
        Whether the vector comes widened and doubled.
    """
    matrix = _dsp.pad_to(_dsp.pad_to(filters, 1, 4), 0, ROWS)
    groups = matrix.shape[0] // ROWS
    starts = _dsp.parted_starts(_dsp.pad_to(bias, 0, ROWS), 2 if wide else 1)
    # per four inputs: the even words of both pairs of rows, then the odd ones
    words = _dsp.pair_words(matrix).reshape(groups, 2, -1, 2).transpose(0, 2, 3, 1)
    return np.hstack([starts.reshape(groups, ROWS), words.reshape(groups, -1)])


def chunk(filters: Array, *, wide: bool) -> int:
    """Return how many inputs may be summed before the high sums are taken out."""
    matrix = np.abs(filters.astype(np.int64))
    quads = _dsp.pad_to(matrix, 1, 4).reshape(matrix.shape[0], -1, 4).sum(axis=2)
    # the narrow kernel adds what is left of the depth to its last chunk, whatever that reached
    rest = int(quads[:, -1].max()) if matrix.shape[1] % 4 != 0 and not wide else 0
    size = 4 * quads.shape[1]
    while True:
        sums = np.add.reduceat(quads, np.arange(0, quads.shape[1], size // 4), axis=1)
        if (2 if wide else 1) * 128 * (int(sums.max()) + rest) < _dsp.HIGH_LIMIT:
            return size
        size = -(-size // 32) * 16  # half, in whole rounds of the inner loop


def sums_fit(filters: Array, bias: Array, left_shift: int = 0) -> bool:
    """Whether doubled accumulators fit 32 bits, after any part of the depth, and shifted."""
    sums = np.abs(filters.astype(np.int64)).sum(axis=1)
    reach = 2 * int((np.abs(bias.astype(np.int64)) + 128 * sums).max())
    return reach << left_shift <= arithmetic.INT32_MAX
