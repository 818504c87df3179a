"""RESIZE_NEAREST_NEIGHBOR of the height and width of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves


@dataclass(frozen=True)
class Resize:
    """How positions in the output meet those in the input."""

    align_corners: bool
    half_pixel_centers: bool

    def sources(self, before: int, after: int) -> NDArray[np.int64]:
        """Return the input position of each output position along an axis, int64 (after,)."""
        if self.align_corners and after > 1:
            scale = np.float32(before - 1) / np.float32(after - 1)
        else:
            scale = np.float32(before) / np.float32(after)
        offset = np.float32(0.5 if self.half_pixel_centers else 0)
        places = (np.arange(after, dtype=np.float32) + offset) * scale
        if self.align_corners:
            places = places + np.float32(0.5)  # never negative: floor of it rounds halves away
        return np.minimum(np.floor(places).astype(np.int64), before - 1)


class _Rule(OpRule):
    kind, builtin = "resize_nearest_neighbor", "RESIZE_NEAREST_NEIGHBOR"
    options, operands = "ResizeNearestNeighborOptions", slice(0, 1)

    def parse(self, options: Any, graph: Graph, op: Op) -> Resize:
        return Resize(bool(options.alignCorners), bool(options.halfPixelCenters))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1)
        source, result = _moves.moved(graph, op)
        _legal.rank(op, source, 4, "input")
        _legal.rank(op, result, 4, "output")
        _legal.require(source.shape[0] == 1, op, f"its batch is {source.shape[0]}, not 1")
        _legal.shape_is(op, result, (1, *result.shape[1:3], source.shape[3]))

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        assert inputs[0] is not None
        after = graph.tensors[op.outputs[0]].shape
        rows, columns = (op.attrs.sources(inputs[0].shape[i], after[i]) for i in (1, 2))
        return [np.ascontiguousarray(inputs[0][:, rows][:, :, columns])]


RULE = _Rule()
