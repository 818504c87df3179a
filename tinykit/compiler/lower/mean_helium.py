"""The mean for Helium, of values that lie side by side: four at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import InPlace, Kernel, Lowering, _distance, mean

_LANES = 4
_PORTABLE = mean.KERNELS[0]


def _params(graph: Graph, op: Op) -> dict[str, Any]:
    (call,) = _PORTABLE.lower(graph, op).calls
    return cast(dict[str, Any], call.params)


def _matches(graph: Graph, op: Op) -> bool:
    if not _PORTABLE.matches(graph, op):
        return False
    params = _params(graph, op)
    return bool(params["keep_step"][2] == 1 and params["shift"] >= 1)


def _lower(graph: Graph, op: Op) -> Lowering:
    """Lower as for any core, but in blocks: those are read before they are written."""
    (call,) = _PORTABLE.lower(graph, op).calls
    params = _params(graph, op)
    outer, inner, last = params["keep_count"]
    rows = np.add.outer(
        np.arange(outer) * params["keep_step"][0], np.arange(inner) * params["keep_step"][1]
    ).reshape(-1)
    starts = np.arange(0, last, _LANES)
    reads = np.add.outer(rows, starts).reshape(-1)
    written = np.add.outer(np.arange(rows.size) * last, np.minimum(starts + _LANES, last))
    distance = _distance.streaming(reads, written.reshape(-1), reads_first=True)
    call = replace(call, function="tk_mean_s8_helium")
    return Lowering((call,), in_place=(InPlace(distance=distance),))


KINDS = mean.KINDS
KERNELS = (
    Kernel("mean_s8_helium", "tk_mean_helium.h", _lower, variant="helium", matches=_matches),
)
