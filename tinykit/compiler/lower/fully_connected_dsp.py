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
    Scratch,
    _dsp,
    _four_rows,
    _linear,
    fully_connected,
)
from tinykit.compiler.ops import _linear as meaning

_WIDE_DEPTH = 256  # up to here the scratch for a widened input is small
_WIDE_UNITS = 16  # from here on widening once costs less than widening for every four outputs


def _is_wide(graph: Graph, op: Op) -> bool:
    units, depth = _linear.weights(graph, op).shape
    return depth <= _WIDE_DEPTH and units >= _WIDE_UNITS


def _matches(graph: Graph, op: Op) -> bool:
    fits = _dsp.pairs_fit(_linear.weights(graph, op)) and _dsp.doubled_sums_fit(graph, op, 0)
    return fits and _dsp.short_shifts(graph, op, 0)


def _words(graph: Graph, op: Op, matrix: _four_rows.FourRows) -> _dsp.Words:
    """Return the constants as `tk_fully_connected_s8_dsp` reads them, flat."""
    multiplier, shift = meaning.multipliers(graph, op)
    if not _linear.per_channel(graph, op):
        scale = [_dsp.wrap(multiplier[:1]), _dsp.shift_bytes(-shift[:1], 1)]
        return np.concatenate([*scale, matrix.words.reshape(-1)])
    multiplier, shift = (_dsp.pad_to(values, 0, _four_rows.ROWS) for values in (multiplier, shift))
    scales = [_dsp.wrap(multiplier).reshape(-1, 4), _dsp.shift_bytes(-shift, 4)[:, None]]
    return np.hstack([matrix.words, *scales]).reshape(-1)


def _lower(graph: Graph, op: Op) -> Lowering:
    wide = _is_wide(graph, op)
    filters = _linear.weights(graph, op)
    matrix = _four_rows.pack(filters, _linear.folded_bias(graph, op, 0), wide=wide)
    call = Call(
        "tk_fully_connected_wide_s8_dsp" if wide else "tk_fully_connected_s8_dsp",
        (
            Input(),
            Constant("packed", _words(graph, op, matrix)),
            Scratch(ctype="uint32_t"),
            Output(),
        ),
        "tk_fully_connected_dsp_params",
        {
            **fully_connected.params(graph, op),
            "chunk": matrix.chunk,
            "chunks": matrix.chunks,
        },
    )
    widened = 2 * -(-filters.shape[1] // 4) if wide else 0
    return Lowering((call,), 4 * (matrix.chunks + widened))


KINDS = ("fully_connected",)
KERNELS = (
    Kernel(
        "fully_connected_wide_s8_dsp",
        "tk_fully_connected_dsp.h",
        _lower,
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
