"""AVERAGE_POOL_2D: the mean of each window, rounded half away from zero."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, _pool, _window


class _Rule(_pool.PoolRule):
    kind, builtin = "average_pool2d", "AVERAGE_POOL_2D"

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        image = inputs[0]
        assert image is not None
        window = op.attrs.window
        inside = np.ones_like(image[..., :1], dtype=np.int32)  # padding does not count
        total = sum(
            t for row in _window.taps(graph, op, window, image.astype(np.int32), 0) for t in row
        )
        count = sum(t for row in _window.taps(graph, op, window, inside, 0) for t in row)
        magnitude = (np.abs(total) + count // 2) // count
        low, high = _pool.output_range(graph, op)
        return [np.clip(np.sign(total) * magnitude, low, high).astype(image.dtype)]


RULE = _Rule()
