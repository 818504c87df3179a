"""Fully connected layers with int16 activations for the Arm DSP extension."""

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
    _dsp,
    _dsp_int16,
    _linear,
    _linear_int16,
    fully_connected_int16,
)
from tinykit.compiler.ops import _linear as meaning


def _packed(graph: Graph, op: Op) -> _dsp.Words:
    """Return the constants as `tk_fully_connected_s16_dsp` reads them, flat."""
    rows = _dsp_int16.four_rows(_linear.weights(graph, op), meaning.bias(graph, op))
    multiplier = _linear_int16.scales(graph, op, 0).multiplier
    if not _linear.per_channel(graph, op):
        return np.concatenate([_dsp.wrap(multiplier[:1]), rows.reshape(-1)])
    padded = _dsp.wrap(_dsp.pad_to(multiplier, 0, _dsp_int16.ROWS))
    return np.hstack([rows, padded.reshape(-1, _dsp_int16.ROWS)]).reshape(-1)


def _lower(graph: Graph, op: Op) -> Lowering:
    call = Call(
        "tk_fully_connected_s16_dsp",
        (Input(), Constant("packed", _packed(graph, op)), Output()),
        "tk_fully_connected_s16_params",
        fully_connected_int16.params(graph, op),
    )
    return Lowering((call,))


KINDS = fully_connected_int16.KINDS
KERNELS = (
    Kernel(
        "fully_connected_s16_dsp",
        "tk_fully_connected_int16_dsp.h",
        _lower,
        variant="dsp",
        reads="int16",
        matches=_dsp_int16.matches,
    ),
)
