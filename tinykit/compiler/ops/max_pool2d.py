"""MAX_POOL_2D: the largest value of each window."""

from __future__ import annotations

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, _pool, _window


class _Rule(_pool.PoolRule):
    kind, builtin = "max_pool2d", "MAX_POOL_2D"

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        image = inputs[0]
        assert image is not None
        lowest = arithmetic.type_range(image.dtype)[0]  # padding never wins
        rows = _window.taps(graph, op, op.attrs.window, image, lowest)
        largest = np.stack([tap for row in rows for tap in row]).max(axis=0)
        low, high = _pool.output_range(graph, op)
        return [np.clip(largest, low, high).astype(image.dtype)]


RULE = _Rule()
