"""What layers with int16 activations and int8 weights share: sums, constants, the output stage.

The golden interpreter sums in 64 bits. 32 bits hold the same sums where no input, and no order of
the terms, can lead beyond them: where each channel's bias and 32768 times the sum of its weights'
magnitudes are below 2**31 together. That is computed here, layer by layer.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Constant, Params, int8
from tinykit.compiler.ops import Array, _linear

READS = "int16"

_WORD = 32  # bits that the high multiply drops


@dataclasses.dataclass(frozen=True)
class Scales:
    """Multiplier int32 and shift int8 of each channel, as the kernels for short sums take them."""

    multiplier: NDArray[np.int32]
    shift: NDArray[np.int8]


def _drops(shift: Array) -> Array:
    """Return how many bits rounding once drops."""
    return 15 - shift.astype(np.int64)


def is_short(reach: Array, shift: Array) -> bool:
    """Whether sums up to `reach` fit 32 bits and one high multiply scales them."""
    drops = _drops(shift)
    fits = bool(reach.max() <= arithmetic.INT32_MAX)
    return fits and bool((drops > _WORD - 17).all() and (drops <= _WORD).all())


def short_multipliers(multiplier: Array, shift: Array) -> NDArray[np.int32]:
    """Return what `tk_high_mul_rounded` takes."""
    reduced = arithmetic.reduced_multiplier(multiplier)
    return (reduced << (_WORD - _drops(shift))).astype(np.int32)


def wide_scales(multiplier: Array, shift: Array) -> Scales:
    """Return what `tk_requantize_wide` takes."""
    reduced = arithmetic.reduced_multiplier(multiplier)
    return Scales(reduced.astype(np.int32), int8(_drops(shift)))


def sums_are_short(graph: Graph, op: Op, channel_axis: int) -> bool:
    """Whether the layer can be summed in 32 bits and scaled as `tk_output_to_s16` does."""
    if not _linear.rounds_once(graph, op):
        return True  # the rule has proved it: the golden interpreter sums in 32 bits
    _, shift = _linear.multipliers(graph, op)
    return is_short(_linear.reach(graph, op, channel_axis), shift)


def scales(graph: Graph, op: Op, channel_axis: int) -> Scales:
    """Return multiplier and shift of every output channel, for the sums that the layer has."""
    multiplier, shift = _linear.multipliers(graph, op)
    if not _linear.rounds_once(graph, op):
        return Scales(multiplier, int8(-shift))
    if sums_are_short(graph, op, channel_axis):
        return Scales(short_multipliers(multiplier, shift), np.zeros(shift.size, np.int8))
    return wide_scales(multiplier, shift)


def constants(graph: Graph, op: Op, channel_axis: int) -> tuple[Constant, Constant, Constant]:
    """Return bias (int32, or int64 for wide sums), multiplier and shift of every channel."""
    short = sums_are_short(graph, op, channel_axis)
    found = scales(graph, op, channel_axis)
    return (
        Constant("bias", _linear.bias(graph, op).astype(np.int32 if short else np.int64), 8),
        Constant("multiplier", found.multiplier),
        Constant("shift", found.shift),
    )


def output_stage(graph: Graph, op: Op) -> Params:
    """Return the initialisers of `tk_output_s16`."""
    low, high = _linear.output_range(graph, op)
    return {"low": low, "high": high, "twice": int(not _linear.rounds_once(graph, op))}


def named(graph: Graph, op: Op, channel_axis: int, short: str, wide: str) -> str:
    """Return the name of the kernel for the sums that the layer has."""
    return short if sums_are_short(graph, op, channel_axis) else wide
