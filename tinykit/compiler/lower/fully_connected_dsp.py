"""Fully connected layers for the Arm DSP extension: four outputs at a time."""

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
    Params,
    Scratch,
    _dsp,
    _linear,
    fully_connected,
)
from tinykit.compiler.ops import _linear as meaning

_ROWS = 4
_WIDE_DEPTH = 256  # up to here the scratch for a widened input is small
_WIDE_UNITS = 16  # from here on widening once costs less than widening for every four outputs


def _is_wide(graph: Graph, op: Op) -> bool:
    units, depth = _linear.weights(graph, op).shape
    return depth <= _WIDE_DEPTH and units >= _WIDE_UNITS


def _chunk(graph: Graph, op: Op) -> int:
    """Return how many inputs may be summed before the high sums are taken out."""
    filters = np.abs(_linear.weights(graph, op).astype(np.int64))
    factor = 2 if _is_wide(graph, op) else 1
    quads = _dsp.pad_to(filters, 1, 4).reshape(filters.shape[0], -1, 4).sum(axis=2)
    depth4 = 4 * quads.shape[1]
    # the narrow kernel adds what is left of the depth to its last chunk, whatever that reached
    is_rest = filters.shape[1] % 4 != 0 and not _is_wide(graph, op)
    rest = int(quads[:, -1].max()) if is_rest else 0
    chunk = depth4
    while True:
        sums = np.add.reduceat(quads, np.arange(0, quads.shape[1], chunk // 4), axis=1)
        if factor * 128 * (int(sums.max()) + rest) < _dsp.HIGH_LIMIT:
            return chunk
        chunk = -(-chunk // 32) * 16  # half, in whole rounds of the inner loop


def _matches(graph: Graph, op: Op) -> bool:
    return _dsp.short_shifts(graph, op, 0) and _dsp.doubled_sums_fit(graph, op, 0)


def _packed(graph: Graph, op: Op) -> _dsp.Words:
    """Return the constants as `tk_fully_connected_s8_dsp` reads them, flat."""
    filters = _dsp.pad_to(_dsp.pad_to(_linear.weights(graph, op), 1, 4), 0, _ROWS)
    factor = 2 if _is_wide(graph, op) else 1
    bias = _dsp.pad_to(_linear.folded_bias(graph, op, 0), 0, _ROWS)
    groups = filters.shape[0] // _ROWS
    starts = _dsp.parted_starts(bias, factor).reshape(groups, 4)
    # per four inputs: the even words of both pairs of rows, then the odd ones
    words = _dsp.pair_words(filters).reshape(groups, 2, -1, 2).transpose(0, 2, 3, 1)
    parts = [starts, words.reshape(groups, -1)]
    multiplier, shift = meaning.multipliers(graph, op)
    if not _linear.per_channel(graph, op):
        scale = [_dsp.wrap(multiplier[:1]), _dsp.shift_bytes(-shift[:1], 1)]
        return np.concatenate([*scale, np.hstack(parts).reshape(-1)])
    multiplier, shift = _dsp.pad_to(multiplier, 0, _ROWS), _dsp.pad_to(shift, 0, _ROWS)
    parts += [_dsp.wrap(multiplier).reshape(groups, 4), _dsp.shift_bytes(-shift, 4)[:, None]]
    return np.hstack(parts).reshape(-1)


def _params(graph: Graph, op: Op) -> Params:
    return {**fully_connected.params(graph, op), "chunk": _chunk(graph, op)}


def _lower(graph: Graph, op: Op) -> Lowering:
    arguments = (Input(), Constant("packed", _packed(graph, op)), Output())
    struct = "tk_fully_connected_dsp_params"
    call = Call("tk_fully_connected_s8_dsp", arguments, struct, _params(graph, op))
    return Lowering((call,))


def _lower_wide(graph: Graph, op: Op) -> Lowering:
    packed = Constant("packed", _packed(graph, op))
    arguments = (Input(), packed, Scratch(ctype="uint32_t"), Output())
    struct = "tk_fully_connected_dsp_params"
    call = Call("tk_fully_connected_wide_s8_dsp", arguments, struct, _params(graph, op))
    return Lowering((call,), 2 * -(-_linear.weights(graph, op).shape[1] // 4) * 4)


KINDS = ("fully_connected",)
KERNELS = (
    Kernel(
        "fully_connected_wide_s8_dsp",
        "tk_fully_connected_dsp.h",
        _lower_wide,
        variant="dsp",
        matches=lambda graph, op: _is_wide(graph, op) and _matches(graph, op),
    ),
    Kernel(
        "fully_connected_s8_dsp",
        "tk_fully_connected_dsp.h",
        _lower,
        variant="dsp",
        matches=_matches,
    ),
)
