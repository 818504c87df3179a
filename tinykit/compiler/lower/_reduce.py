"""The loops of kernels that reduce a tensor over some axes."""

from __future__ import annotations

from dataclasses import dataclass

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import _distance, _strides, dims

_LOOPS = 3


@dataclass(frozen=True)
class Grid:
    """Elements along the axes that stay and along those that go, and the steps between them.

    `distance` is how far into the output the input may begin, in elements, when each output is
    written after its inputs were read.
    """

    keep_count: tuple[int, ...]
    keep_step: tuple[int, ...]
    gone_count: tuple[int, ...]
    gone_step: tuple[int, ...]
    distance: int


def axes(graph: Graph, op: Op) -> tuple[list[_strides.Axis], list[_strides.Axis]]:
    """Return the loops over the axes that stay and over those that go."""
    source = dims(graph, op.inputs[0])
    steps = _strides.contiguous(source)
    gone = set(op.attrs.axes)
    kept, reduced = (
        _strides.merge(
            [source[axis] for axis in range(len(source)) if (axis in gone) == goes],
            [steps[axis] for axis in range(len(source)) if (axis in gone) == goes],
        )
        for goes in (False, True)
    )
    return kept, reduced


def few_axes(graph: Graph, op: Op) -> bool:
    """Whether the kernels have as many loops as the axes need."""
    return max(map(len, axes(graph, op))) <= _LOOPS


def grid(graph: Graph, op: Op) -> Grid:
    """Return the loops of `op`, whose axes are few."""
    kept, gone = axes(graph, op)
    reads = _strides.offsets(kept, 0)  # an output's first input is its lowest
    distance = _distance.streaming(reads, range(1, reads.size + 1), reads_first=True)
    keep_count, keep_step = _strides.loops(kept, _LOOPS, 1)
    gone_count, gone_step = _strides.loops(gone, _LOOPS, 1)
    return Grid(keep_count, keep_step, gone_count, gone_step, distance)
