"""The recurrent layer with long short-term memory, for the Arm DSP extension."""

from __future__ import annotations

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
    for first, scales in zip(_MATRICES, (scaling.input, scaling.recurrent), strict=True):
        left = max(0, *(shift for _, shift in scales))
        filters, biases = lstm.filters(graph, op, first), lstm.biases(graph, op, first).reshape(-1)
        if not (_dsp.pairs_fit(filters) and _four_rows.sums_fit(filters, biases, left)):
            return False
    return True


def _packed(graph: Graph, op: Op, role: str, first: int) -> Constant:
    filters, biases = lstm.filters(graph, op, first), lstm.biases(graph, op, first)
    return Constant(role, _four_rows.packed(filters, biases.reshape(-1), wide=True))


def _lower(graph: Graph, op: Op) -> Lowering:
    depths = [lstm.filters(graph, op, first).shape[1] for first in _MATRICES]
    chunks = [_four_rows.chunk(lstm.filters(graph, op, first), wide=True) for first in _MATRICES]
    call = Call(
        "tk_lstm_s8_dsp",
        (
            Input(),
            _packed(graph, op, "input", meaning.INPUT_FILTERS),
            _packed(graph, op, "recurrent", meaning.RECURRENT_FILTERS),
            Constant("sigmoid", sigmoid16.table()),
            Scratch(ctype="uint32_t"),
            Output(1),
            Output(2),
            Output(),
        ),
        "tk_lstm_dsp_params",
        {
            "lstm": lstm.params(graph, op),
            "input_chunk": chunks[0],
            "recurrent_chunk": chunks[1],
        },
    )
    return Lowering((call,), sum(2 * 4 * -(-depth // 4) for depth in depths))


KINDS = lstm.KINDS
KERNELS = (Kernel("lstm_s8_dsp", "tk_lstm_dsp.h", _lower, variant="dsp", matches=_matches),)
