"""The recurrent layer with long short-term memory, with int16 activations."""

from __future__ import annotations

from dataclasses import asdict

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
    _linear_int16,
    lstm,
)
from tinykit.compiler.ops import Array
from tinykit.compiler.ops import unidirectional_sequence_lstm as meaning


def biases(graph: Graph, op: Op, first: int) -> Array:
    """Return what the gates' sums start with, unit by unit, int64 (units, 4)."""
    gates = range(len(meaning.GATES))
    return np.stack([meaning.folded_bias(graph, op, first + gate) for gate in gates], axis=1)


def _gates(name: str, scales: tuple[meaning.Scale, ...]) -> Params:
    """Return the gates' multipliers and shifts under the names of `tk_lstm_params`."""
    multiplier, shift = (np.array(values) for values in zip(*scales, strict=True))
    found = asdict(_linear_int16.wide_scales(multiplier, shift))
    return {f"{name}_{field}": tuple(map(int, values)) for field, values in found.items()}


def params(graph: Graph, op: Op) -> Params:
    """Return the initialisers of `tk_lstm_params`; shifts of gates drop that many bits."""
    scaling = meaning.RULE.scaling(graph, op)
    return {
        **lstm.params(graph, op),
        **_gates("input", scaling.input),
        **_gates("recurrent", scaling.recurrent),
    }


def _lower(graph: Graph, op: Op) -> Lowering:
    call = Call(
        "tk_lstm_s16",
        (
            Input(),
            Constant("input_filter", lstm.filters(graph, op, meaning.INPUT_FILTERS)),
            Constant("bias", biases(graph, op, meaning.INPUT_FILTERS), 8),
            Constant("recurrent_filter", lstm.filters(graph, op, meaning.RECURRENT_FILTERS)),
            Constant("sigmoid", sigmoid16.table()),
            Output(1),
            Output(2),
            Output(),
        ),
        "tk_lstm_params",
        params(graph, op),
    )
    return Lowering((call,))


KINDS = lstm.KINDS
KERNELS = (Kernel("lstm_s16", "tk_lstm_int16.h", _lower, reads="int16"),)
