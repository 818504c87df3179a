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


def _packed(graph: Graph, op: Op) -> _dsp.Words:
    """Return the constants as `tk_fully_connected_s8_dsp` reads them, flat."""
    filters, bias = _linear.weights(graph, op), _linear.folded_bias(graph, op, 0)
    parts = [_four_rows.packed(filters, bias, wide=_is_wide(graph, op))]
    multiplier, shift = meaning.multipliers(graph, op)
    if not _linear.per_channel(graph, op):
        scale = [_dsp.wrap(multiplier[:1]), _dsp.shift_bytes(-shift[:1], 1)]
        return np.concatenate([*scale, np.hstack(parts).reshape(-1)])
    multiplier, shift = (_dsp.pad_to(values, 0, _four_rows.ROWS) for values in (multiplier, shift))
    parts += [_dsp.wrap(multiplier).reshape(-1, 4), _dsp.shift_bytes(-shift, 4)[:, None]]
    return np.hstack(parts).reshape(-1)


def _params(graph: Graph, op: Op) -> Params:
    chunk = _four_rows.chunk(_linear.weights(graph, op), wide=_is_wide(graph, op))
    return {**fully_connected.params(graph, op), "chunk": chunk}


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
