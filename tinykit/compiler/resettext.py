"""What gives the states of a model their initial values, as C."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.constants import ConstantPool
from tinykit.compiler.ir import Graph
from tinykit.compiler.plan import Plan


def statements(graph: Graph, plan: Plan, pool: ConstantPool) -> list[str]:
    """Return the statements that give every state its initial value."""
    lines = []
    for key, place in sorted(plan.places.items()):
        tensor = graph.tensors[key]
        if not tensor.state:
            continue
        zero = tensor.zero_point if tensor.quantization is not None else 0
        initial = tensor.data if tensor.data is not None else np.full(1, zero, tensor.dtype)
        raw = np.frombuffer(initial.tobytes(), np.uint8)
        if (raw == raw[0]).all():
            lines.append(f"memset(STATE({place.offset}), {raw[0]}, {tensor.nbytes});")
            continue
        row = _period(initial)
        name = pool.name(f"t{key}_initial", row)
        if row.size == initial.size:
            lines.append(f"memcpy(STATE({place.offset}), {name}, {tensor.nbytes});")
        else:
            lines += [
                f"for (int32_t i = 0; i < {tensor.nbytes}; i += {row.nbytes}) {{",
                f"    memcpy(STATE({place.offset}) + i, {name}, {row.nbytes});",
                "}",
            ]
    return lines


def _period(values: NDArray[Any]) -> NDArray[Any]:
    """Return the shortest row that `values` repeats, along any axis; all of them if it does not."""
    flat = values.reshape(-1)
    for axis in range(values.ndim, -1, -1):
        row = flat[: math.prod(values.shape[axis:])]
        if (flat.reshape(-1, row.size) == row).all():
            return row
    return flat
