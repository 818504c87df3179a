"""Sums that grow stripe by stripe, for Helium: four at a time, arguments as for any core."""

from __future__ import annotations

from dataclasses import replace

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Lowering, sums


def _lower(graph: Graph, op: Op) -> Lowering:
    plain = next(kernel for kernel in sums.KERNELS if kernel.matches(graph, op)).lower(graph, op)
    calls = (replace(call, function=f"{call.function}_helium") for call in plain.calls)
    return replace(plain, calls=tuple(calls))


KINDS = sums.KINDS
KERNELS = tuple(
    replace(
        kernel,
        name=f"{kernel.name}_helium",
        header="tk_sums_helium.h",
        lower=_lower,
        variant="helium",
    )
    for kernel in sums.KERNELS
)
