"""The recurrent layer with long short-term memory, for the Arm DSP extension."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import sigmoid16
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
    lstm,
)
from tinykit.compiler.ops import unidirectional_sequence_lstm as meaning

_MATRICES = (meaning.INPUT_FILTERS, meaning.RECURRENT_FILTERS)


def _matches(graph: Graph, op: Op) -> bool:
    """Whether weights fit in pairs, and doubled sums 32 bits, shifted to the left too."""
    scaling = meaning.RULE.scaling(graph, op)
    for multiplier, shift in (scaling.forget_cell, scaling.input_cell):
        if multiplier != 1 << 30 or not -29 <= shift <= -1:
            return False
    for first, scales in zip(_MATRICES, (scaling.input, scaling.recurrent), strict=True):
        left = max(0, *(shift for _, shift in scales))
        filters, biases = lstm.filters(graph, op, first), lstm.biases(graph, op, first).reshape(-1)
        if not (_dsp.pairs_fit(filters) and _four_rows.sums_fit(filters, biases, left)):
            return False
    return True


def _lower(graph: Graph, op: Op) -> Lowering:
    read, recurrent = (
        _four_rows.pack(
            lstm.filters(graph, op, first),
            lstm.biases(graph, op, first).reshape(-1),
            wide=True,
        )
        for first in _MATRICES
    )
    call = Call(
        "tk_lstm_s8_dsp",
        (
            Input(),
            Constant("packed", np.hstack([read.words, recurrent.words])),
            Constant("sigmoid", _sigmoid()),
            Scratch(ctype="uint32_t"),
            Output(1),
            Output(2),
            Output(),
        ),
        "tk_lstm_dsp_params",
        {
            "lstm": lstm.params(graph, op),
            "input_chunk": read.chunk,
            "recurrent_chunk": recurrent.chunk,
            "input_chunks": read.chunks,
            "recurrent_chunks": recurrent.chunks,
        },
    )
    depths = [lstm.filters(graph, op, first).shape[1] for first in _MATRICES]
    words = sum(2 * -(-depth // 4) for depth in depths)
    return Lowering((call,), 4 * (words + read.chunks + recurrent.chunks))


def _sigmoid() -> NDArray[np.uint16]:
    """Return the table of the gates' functions with one entry more: the last, twice."""
    values = sigmoid16.table()
    return np.append(values, values[-1:])


KINDS = lstm.KINDS
KERNELS = (Kernel("lstm_s8_dsp", "tk_lstm_dsp.h", _lower, variant="dsp", matches=_matches),)
