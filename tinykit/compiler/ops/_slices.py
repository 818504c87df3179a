"""What SLICE and STRIDED_SLICE share: a regular part of a tensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves


@dataclass(frozen=True)
class Slice:
    """For each axis of the input: element i of the output is `start + i * stride`, i < size.

    The output may leave out axes of size 1.
    """

    start: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]


class SliceRule(OpRule):
    """Check and compute a slice."""

    operands = slice(0, 1)

    def check(self, graph: Graph, op: Op) -> None:
        """Require the slice to lie inside the input and to fill the output."""
        _legal.arity(op, 1)
        source, result = _moves.moved(graph, op)
        part = op.attrs
        axes = zip(source.shape, part.start, part.size, part.stride, strict=True)
        for axis, (length, start, size, stride) in enumerate(axes):
            last = start + (size - 1) * stride
            if size < 1 or not 0 <= start < length or not 0 <= last < length:
                _legal.refuse(op, f"elements {start} to {last} of axis {axis}, which has {length}")
        kept = [size for size in part.size if size != 1]
        if kept != [size for size in result.shape if size != 1]:
            _legal.refuse(op, f"gives {part.size}, its output has shape {result.shape}")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Pick the elements."""
        values = inputs[0]
        assert values is not None
        part = op.attrs
        for axis in range(values.ndim):
            picked = part.start[axis] + part.stride[axis] * np.arange(part.size[axis])
            values = values.take(picked, axis)
        shape = graph.tensors[op.outputs[0]].shape
        assert values.size == math.prod(shape)
        return [values.reshape(shape)]
