"""Look-ups for Helium: elementwise ops, and two-input ops of which one input is one constant."""

from __future__ import annotations

from dataclasses import replace

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, binary, table

_PORTABLE = {kind: table.KERNELS[0] for kind in table.KINDS}
_PORTABLE |= {kind: binary.KERNELS[0] for kind in binary.KINDS}


def _matches(graph: Graph, op: Op) -> bool:
    return _PORTABLE[op.kind].matches(graph, op)


def _lower(graph: Graph, op: Op) -> Lowering:
    """Lower as for any core; the C function differs."""
    lowering = _PORTABLE[op.kind].lower(graph, op)
    (call,) = lowering.calls
    return replace(lowering, calls=(replace(call, function=f"{call.function}_helium"),))


KINDS = tuple(_PORTABLE)
KERNELS = (
    Kernel("table_s8_helium", "tk_table_helium.h", _lower, variant="helium", matches=_matches),
)
