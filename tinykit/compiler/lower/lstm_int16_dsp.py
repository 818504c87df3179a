"""The recurrent layer with int16 activations for the Arm DSP extension."""

from __future__ import annotations

import numpy as np

from tinykit.compiler import sigmoid16
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    Input,
    Kernel,
    Lowering,
    Output,
    Params,
    _dsp_int16,
    _linear_int16,
    lstm,
    lstm_int16,
)
from tinykit.compiler.ops import unidirectional_sequence_lstm as meaning

_MATRICES = (("input", meaning.INPUT_FILTERS), ("recurrent", meaning.RECURRENT_FILTERS))


def _scales(graph: Graph, op: Op, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return multiplier and shift of each gate."""
    scaling = meaning.RULE.scaling(graph, op)
    pairs = scaling.input if name == "input" else scaling.recurrent
    multiplier, shift = np.array(pairs).T
    return multiplier, shift


def _matches(graph: Graph, op: Op) -> bool:
    """Whether 32 bits hold the sums of every gate, and one high multiply scales them."""
    return all(
        _linear_int16.is_short(meaning.reach(graph, op, first + gate), shift[gate : gate + 1])
        for name, first in _MATRICES
        for _, shift in [_scales(graph, op, name)]
        for gate in range(len(meaning.GATES))
    )


def _packed(graph: Graph, op: Op, name: str, first: int) -> Constant:
    biases = lstm_int16.biases(graph, op, first)
    return Constant(name, _dsp_int16.four_rows(lstm.filters(graph, op, first), biases.reshape(-1)))


def _params(graph: Graph, op: Op) -> Params:
    found = dict(lstm_int16.params(graph, op))
    for name, _ in _MATRICES:
        short = _linear_int16.short_multipliers(*_scales(graph, op, name))
        found[f"{name}_multiplier"] = tuple(map(int, short))
        found[f"{name}_shift"] = (0,) * len(meaning.GATES)
    return found


def _lower(graph: Graph, op: Op) -> Lowering:
    call = Call(
        "tk_lstm_s16_dsp",
        (
            Input(),
            *(_packed(graph, op, name, first) for name, first in _MATRICES),
            Constant("sigmoid", sigmoid16.table()),
            Output(1),
            Output(2),
            Output(),
        ),
        "tk_lstm_params",
        _params(graph, op),
    )
    return Lowering((call,))


KINDS = lstm_int16.KINDS
KERNELS = (
    Kernel(
        "lstm_s16_dsp",
        "tk_lstm_int16_dsp.h",
        _lower,
        variant="dsp",
        reads="int16",
        matches=_matches,
    ),
)
