"""Constants for the Helium kernels, and when their output stage is exact."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Constant, _linear, int8
from tinykit.compiler.ops import Array
from tinykit.compiler.ops import _linear as meaning


def right_shifts(graph: Graph, op: Op) -> bool:
    """Whether every output is scaled by a shift to the right, as `tk_helium_scaled` does it."""
    multiplier, shift = meaning.multipliers(graph, op)
    return bool(((shift < 0) | (multiplier == 0)).all())


def scaling(graph: Graph, op: Op) -> tuple[Array, Array]:
    """Return multiplier, int32 (channels,), and shift to the left, int8 (channels,), -31..-1."""
    multiplier, shift = meaning.multipliers(graph, op)
    return multiplier, int8(np.minimum(shift, -1))  # a multiplier of 0 may come with a shift of 0


def padded(values: Array, multiple: int) -> Array:
    """Return `values` with zeros appended along the last axis up to a multiple of `multiple`."""
    missing = -values.shape[-1] % multiple
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)])


def fours(graph: Graph, op: Op, channel_axis: int) -> Array:
    """Return bias, multiplier and left shifts by fours of channels, int32 (channels / 4, 9).

    The shifts of four channels are the bytes of one word.
    """
    multiplier, left = scaling(graph, op)
    bias = _linear.folded_bias(graph, op, channel_axis)
    parts = [padded(bias, 4), padded(multiplier, 4), padded(left, 4).view("<i4").astype(np.int32)]
    return np.hstack(
        [
            part.reshape(part.size // width, width)
            for part, width in zip(parts, (4, 4, 1), strict=True)
        ]
    )


def constants(graph: Graph, op: Op, channel_axis: int) -> tuple[Constant, ...]:
    """Return bias, multiplier and left shift of every output channel, filled up to fours."""
    multiplier, left = scaling(graph, op)
    return (
        Constant("bias", padded(_linear.folded_bias(graph, op, channel_axis), 4)),
        Constant("multiplier", padded(multiplier, 4)),
        Constant("left", padded(left, 4)),
    )
