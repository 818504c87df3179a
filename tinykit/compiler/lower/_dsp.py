"""Weights for the Arm DSP kernels: the layout that `tk_dsp.h` describes, and its conditions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import _linear
from tinykit.compiler.ops import Array
from tinykit.compiler.ops import _linear as meaning

MAX_SHIFT = 22  # half an output step plus the zero point, shifted, stays below 2**30
HIGH_LIMIT = 1 << 23  # sums in the high parts of words are less than this in magnitude

Words = NDArray[np.uint32]


def short_shifts(graph: Graph, op: Op, channel_axis: int) -> bool:
    """Whether every output can be requantized by `tk_output_doubled_s8`."""
    _, shift = meaning.multipliers(graph, op)
    stage = _linear.output_stage(graph, op, channel_axis)
    return not stage["any_shift"] and int((-shift).max()) <= MAX_SHIFT


def filter_rows(graph: Graph, op: Op, channel_axis: int) -> Array:
    """Return the filter as int8 (output channels, depth)."""
    filters = np.moveaxis(_linear.weights(graph, op), channel_axis, 0)
    return filters.reshape(filters.shape[0], -1)


def reach(graph: Graph, op: Op, channel_axis: int) -> int:
    """Return the largest magnitude of any accumulator, over all inputs."""
    assert op.inputs[0] is not None
    zero_point = graph.tensors[op.inputs[0]].zero_point
    rows = filter_rows(graph, op, channel_axis).astype(np.int64)
    positive, negative = np.maximum(rows, 0).sum(axis=1), np.minimum(rows, 0).sum(axis=1)
    low, high = -128 - zero_point, 127 - zero_point
    bias = meaning.bias(graph, op).astype(np.int64)
    most = bias + positive * high + negative * low
    least = bias + positive * low + negative * high
    return int(np.maximum(np.abs(most), np.abs(least)).max())


def doubled_sums_fit(graph: Graph, op: Op, channel_axis: int) -> bool:
    """Whether doubled accumulators fit 32 bits, after any part of the depth too."""
    sums = np.abs(filter_rows(graph, op, channel_axis).astype(np.int64)).sum(axis=1)
    bias = np.abs(_linear.folded_bias(graph, op, channel_axis).astype(np.int64))
    return 2 * int((bias + 128 * sums).max()) <= arithmetic.INT32_MAX


def pairs_fit(filters: Array) -> bool:
    """Whether `pair_words` can hold any two of these weights, int8, in 16 bits.

    A weight of -128 above a negative one takes 17. Symmetric quantization makes none, but a file
    may have some.
    """
    return int(filters.min()) > -128


def pad_to(values: Array, axis: int, multiple: int) -> Array:
    """Return `values` with zeros appended along `axis` up to a multiple of `multiple`."""
    missing = -values.shape[axis] % multiple
    return np.pad(values, [(0, missing if i == axis else 0) for i in range(values.ndim)])


def pair_words(filters: Array) -> Words:
    """Return the weight words of pairs of rows, uint32 (rows / 2, depth / 2).

    Parameters
    ----------
    filters : int8 (rows, depth)
        An even number of rows, `lo` and `hi` alternating, and a depth that is a multiple of 4.
        Per four inputs there are two words: inputs 0 and 2, then inputs 1 and 3.
    """
    lo, hi = filters[0::2].astype(np.int32), filters[1::2].astype(np.int32)
    assert pairs_fit(filters)
    halves = (lo + 256 * hi).astype(np.uint16).astype(np.uint32)
    quads = halves.reshape(halves.shape[0], -1, 4)
    return np.stack(
        [quads[..., 0] | quads[..., 2] << 16, quads[..., 1] | quads[..., 3] << 16], axis=-1
    ).reshape(halves.shape[0], -1)


def packed_starts(bias: Array) -> Words:
    """Return where the doubled sums of pairs of rows start, uint32 (rows / 2, 2): both, lo."""
    lo, hi = bias[0::2].astype(np.int64), bias[1::2].astype(np.int64)
    return wrap(np.stack([2 * (lo + 256 * hi), 2 * lo], axis=1))


def parted_starts(bias: Array, factor: int) -> Words:
    """Return the same where the high sums are kept apart: hi, lo, both times `factor`."""
    return wrap(factor * bias.astype(np.int64).reshape(-1, 2)[:, ::-1])


def wrap(values: Array) -> Words:
    """Return integers modulo 2**32."""
    return (np.asarray(values, np.int64) & 0xFFFFFFFF).astype(np.uint32)


def shift_bytes(shift: Array, count: int) -> Words:
    """Return shifts (to the right, at least 1) less one as bytes of words, uint32 (n / count,)."""
    bytes_ = (np.maximum(shift, 1) - 1).astype(np.uint32).reshape(-1, count)
    return np.bitwise_or.reduce(bytes_ << (8 * np.arange(count, dtype=np.uint32)), axis=1)
