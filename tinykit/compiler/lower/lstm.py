"""The recurrent layer with long short-term memory."""

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
    dims,
)
from tinykit.compiler.ops import Array
from tinykit.compiler.ops import unidirectional_sequence_lstm as meaning


def filters(graph: Graph, op: Op, first: int) -> Array:
    """Return the filters of the gates unit by unit, int8 (units * 4, depth)."""
    keys = [op.inputs[first + gate] for gate in range(len(meaning.GATES))]
    gates = [graph.tensors[key].data for key in keys if key is not None]
    return np.stack(gates, axis=1).reshape(-1, dims(graph, keys[0])[1])  # type: ignore[arg-type]


def biases(graph: Graph, op: Op, first: int) -> Array:
    """Return the biases with zero points folded in, unit by unit, int32 (units, 4)."""
    gates = range(len(meaning.GATES))
    return np.stack(
        [meaning.folded_bias(graph, op, first + gate) for gate in gates], axis=1
    ).astype(np.int32)


def _scale(scale: meaning.Scale) -> Params:
    return {"multiplier": scale[0], "shift": -scale[1]}


def params(graph: Graph, op: Op) -> Params:
    """Return the initialisers of `tk_lstm_params`."""
    source, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    scaling = meaning.RULE.scaling(graph, op)
    tanh_multiplier, tanh_shift = meaning.RULE.tanh_input(graph, op)
    return {
        "steps": source[0] * source[1],
        "in_c": source[2],
        "units": result[-1],
        "input_multiplier": tuple(multiplier for multiplier, _ in scaling.input),
        "input_shift": tuple(-shift for _, shift in scaling.input),
        "recurrent_multiplier": tuple(multiplier for multiplier, _ in scaling.recurrent),
        "recurrent_shift": tuple(-shift for _, shift in scaling.recurrent),
        "forget_cell": _scale(scaling.forget_cell),
        "input_cell": _scale(scaling.input_cell),
        "hidden": _scale(scaling.hidden),
        "cell_limit": meaning.RULE.cell_limit(graph, op),
        "tanh_multiplier": tanh_multiplier,
        "tanh_shift": tanh_shift,
        "zero_point": graph.tensors[op.outputs[0]].zero_point,
    }


def _lower(graph: Graph, op: Op) -> Lowering:
    call = Call(
        "tk_lstm_s8",
        (
            Input(),
            Constant("input_filter", filters(graph, op, meaning.INPUT_FILTERS)),
            Constant("input_bias", biases(graph, op, meaning.INPUT_FILTERS)),
            Constant("recurrent_filter", filters(graph, op, meaning.RECURRENT_FILTERS)),
            Constant("recurrent_bias", biases(graph, op, meaning.RECURRENT_FILTERS)),
            Constant("sigmoid", sigmoid16.table()),
            Output(1),
            Output(2),
            Output(),
        ),
        "tk_lstm_params",
        params(graph, op),
    )
    return Lowering((call,))


KINDS = (meaning.RULE.kind,)
KERNELS = (Kernel("lstm_s8", "tk_lstm.h", _lower),)
