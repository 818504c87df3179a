"""STRIDED_SLICE: what Python writes as `x[begin:end:stride, ...]`."""

from __future__ import annotations

from typing import Any

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import _legal, _slices


class _Rule(_slices.SliceRule):
    kind, builtin, options = "strided_slice", "STRIDED_SLICE", "StridedSliceOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> _slices.Slice:
        _legal.arity(op, 4)
        shape = _legal.tensor(graph, op, 0, "input").shape
        begin, end, stride = (
            _legal.integers(graph, op, position, role)
            for position, role in ((1, "begin"), (2, "end"), (3, "strides"))
        )
        if not len(shape) == len(begin) == len(end) == len(stride):
            _legal.refuse(op, f"begin {begin}, end {end}, strides {stride} for shape {shape}")
        if options.ellipsisMask or options.newAxisMask or getattr(options, "offset", False):
            _legal.refuse(op, "ellipsis, new axes and offsets are not supported")
        parts = []
        for axis, length in enumerate(shape):
            _legal.require(stride[axis] != 0, op, f"the stride of axis {axis} is 0")
            bit = 1 << axis
            first = None if options.beginMask & bit else begin[axis]
            last = None if options.endMask & bit else end[axis]
            start, stop, step = slice(first, last, stride[axis]).indices(length)
            size = len(range(start, stop, step))
            if options.shrinkAxisMask & bit:  # a single index: `end` does not count
                size = 1
                if first is not None and not -length <= first < length:
                    _legal.refuse(op, f"index {first} of axis {axis}, which has {length}")
            parts.append((start, size, step if size > 1 else 1))
        return _slices.Slice(*zip(*parts, strict=True)) if parts else _slices.Slice((), (), ())


RULE = _Rule()
