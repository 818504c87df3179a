"""The recurrent layer with long short-term memory for Helium: the gates of a unit are lanes."""

from __future__ import annotations

from dataclasses import replace

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, lstm

_PORTABLE = lstm.KERNELS[0]


def _lower(graph: Graph, op: Op) -> Lowering:
    """Lower as for any core; the C function differs."""
    lowering = _PORTABLE.lower(graph, op)
    (call,) = lowering.calls
    return replace(lowering, calls=(replace(call, function="tk_lstm_s8_helium"),))


KINDS = lstm.KINDS
KERNELS = (
    Kernel(
        "lstm_s8_helium",
        "tk_lstm_helium.h",
        _lower,
        variant="helium",
        matches=_PORTABLE.matches,
    ),
)
