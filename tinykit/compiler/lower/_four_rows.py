"""Matrices for `tk_dsp_four_rows`: four rows of int8 weights and their biases in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.lower import _dsp
from tinykit.compiler.ops import Array

ROWS = 4


@dataclass(frozen=True, eq=False)
class FourRows:
    """A matrix as the kernel reads it.

    Attributes
    ----------
    words : uint32 (ceil(rows / 4), 4 + depth4)
    chunk : int
        How many inputs may be summed before the high sums are taken out.
    chunks : int
        How many sums `tk_dsp_cross` makes for a vector.
    """

    words: _dsp.Words
    chunk: int
    chunks: int


def pack(filters: Array, bias: Array, *, wide: bool) -> FourRows:
    """Return a matrix for the kernel.

    Parameters
    ----------
    filters : int8 (rows, depth)
    bias : int32 (rows,)
    wide : bool
        Whether the vector comes widened and doubled.
    """
    matrix = _dsp.pad_to(_dsp.pad_to(filters, 1, 4), 0, ROWS)
    groups = matrix.shape[0] // ROWS
    starts = _Chunks.of(matrix.shape[1] if wide else filters.shape[1] // 4 * 4, matrix, wide)
    # per four inputs: the even words of both pairs of rows, then the odd ones
    words = _dsp.pair_words(matrix).reshape(groups, 2, -1, 2).transpose(0, 2, 3, 1)
    low_products = starts.sums(_low_products(matrix))
    biases = (2 if wide else 1) * _dsp.pad_to(bias, 0, ROWS).astype(np.int64).reshape(-1, 2)
    low = biases[:, 0] - low_products.sum(axis=1)
    high = biases[:, 1] - (-low_products // 256).sum(axis=1)
    heads = _dsp.wrap(np.stack([high, low], axis=1)).reshape(groups, ROWS)
    return FourRows(np.hstack([heads, words.reshape(groups, -1)]), starts.size, starts.count)


def sums_fit(filters: Array, bias: Array, left_shift: int = 0) -> bool:
    """Whether doubled accumulators fit 32 bits, after any part of the depth, and shifted."""
    sums = np.abs(filters.astype(np.int64)).sum(axis=1)
    reach = 2 * int((np.abs(bias.astype(np.int64)) + 128 * sums).max())
    return reach << left_shift <= arithmetic.INT32_MAX


def _low_products(matrix: Array) -> Array:
    """Return `lo[k] * lo[k + 1]` of each even row and even k, for four inputs each."""
    low = matrix[0::2].astype(np.int64)
    return (low[:, 0::2] * low[:, 1::2]).reshape(low.shape[0], -1, 2).sum(axis=2)


@dataclass(frozen=True)
class _Chunks:
    """The parts of the depth that are summed on their own."""

    size: int  # inputs in each
    count: int

    @classmethod
    def of(cls, looped: int, matrix: Array, wide: bool) -> _Chunks:
        """Return the largest ones with which the differences of both sums fit 32 bits.

        Parameters
        ----------
        looped : int
            How much of the depth whole loops take; what is left belongs to the last chunk.
        matrix : int8 (rows, depth4)
        """
        high = (
            np.abs(matrix[1::2].astype(np.int64)).reshape(matrix.shape[0] // 2, -1, 4).sum(axis=2)
        )
        reach = (2 if wide else 1) * 256 * 128 * high + np.abs(_low_products(matrix))
        size = max(looped, 4)
        while True:
            chunks = cls(size, max(1, -(-looped // size)))
            if int(chunks.sums(reach).max()) <= arithmetic.INT32_MAX:
                return chunks
            size = -(-size // 32) * 16  # half, in whole rounds of the inner loop

    def sums(self, fours: Array) -> Array:
        """Sum what comes for each four inputs, int64 (n, depth4 / 4), to (n, count)."""
        starts = np.arange(self.count) * (self.size // 4)
        return np.add.reduceat(fours, starts, axis=1)
