"""Ops that only move bytes: slices, concatenation, splitting, transposition, padding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    InPlace,
    Input,
    Kernel,
    Lowering,
    Output,
    _distance,
    _strides,
    dims,
)
from tinykit.compiler.ops.pad import PadRule

_LOOPS = 4


@dataclass(frozen=True)
class _Grid:
    """Elements to copy: from where, to where, and along which axes (steps in elements)."""

    source: Input
    target: Output
    shape: tuple[int, ...]
    in_steps: tuple[int, ...]
    out_steps: tuple[int, ...]


def _transpose(graph: Graph, op: Op) -> list[_Grid]:
    source, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    steps = _strides.contiguous(source)
    order = op.attrs.permutation
    moved = tuple(steps[axis] for axis in order)
    return [_Grid(Input(), Output(), result, moved, _strides.contiguous(result))]


def _slice(graph: Graph, op: Op) -> list[_Grid]:
    part = op.attrs
    steps = _strides.contiguous(dims(graph, op.inputs[0]))
    start = sum(a * b for a, b in zip(part.start, steps, strict=True))
    strided = tuple(a * b for a, b in zip(part.stride, steps, strict=True))
    out_steps = _strides.contiguous(part.size)
    return [_Grid(Input(offset=start), Output(), part.size, strided, out_steps)]


def _pad(graph: Graph, op: Op) -> list[_Grid]:
    source = dims(graph, op.inputs[0])
    out_steps = _strides.contiguous(dims(graph, op.outputs[0]))
    start = sum(a * b for a, b in zip(op.attrs.before, out_steps, strict=True))
    return [_Grid(Input(), Output(offset=start), source, _strides.contiguous(source), out_steps)]


def _concatenation(graph: Graph, op: Op) -> list[_Grid]:
    out_steps = _strides.contiguous(dims(graph, op.outputs[0]))
    grids, start = [], 0
    for position, key in enumerate(op.inputs):
        shape = dims(graph, key)
        target = Output(offset=start * out_steps[op.attrs.axis])
        grids.append(_Grid(Input(position), target, shape, _strides.contiguous(shape), out_steps))
        start += shape[op.attrs.axis]
    return grids


def _pack(graph: Graph, op: Op) -> list[_Grid]:
    steps = _strides.contiguous(dims(graph, op.outputs[0]))
    axis = op.attrs.axis
    others = steps[:axis] + steps[axis + 1 :]
    shape = dims(graph, op.inputs[0])
    return [
        _Grid(Input(i), Output(offset=i * steps[axis]), shape, _strides.contiguous(shape), others)
        for i in range(len(op.inputs))
    ]


def _split(graph: Graph, op: Op) -> list[_Grid]:
    steps = _strides.contiguous(dims(graph, op.inputs[0]))
    grids, start = [], 0
    for position, key in enumerate(op.outputs):
        shape = dims(graph, key)
        source = Input(offset=start * steps[op.attrs.axis])
        grids.append(_Grid(source, Output(position), shape, steps, _strides.contiguous(shape)))
        start += shape[op.attrs.axis]
    return grids


def _unpack(graph: Graph, op: Op) -> list[_Grid]:
    steps = _strides.contiguous(dims(graph, op.inputs[0]))
    axis = op.attrs.axis
    others = steps[:axis] + steps[axis + 1 :]
    shape = dims(graph, op.outputs[0])
    return [
        _Grid(Input(offset=i * steps[axis]), Output(i), shape, others, _strides.contiguous(shape))
        for i in range(len(op.outputs))
    ]


def _copy(graph: Graph, op: Op) -> list[_Grid]:
    """Give a constant or a state another shape: `views` prefers to move nothing."""
    size = (graph.tensors[op.outputs[0]].size,)
    return [_Grid(Input(), Output(), size, (1,), (1,))]


_GRIDS: dict[str, Callable[[Graph, Op], list[_Grid]]] = {
    "transpose": _transpose,
    "slice": _slice,
    "strided_slice": _slice,
    "pad": _pad,
    "padv2": _pad,
    "concatenation": _concatenation,
    "pack": _pack,
    "split": _split,
    "split_v": _split,
    "unpack": _unpack,
    "reshape": _copy,
    "squeeze": _copy,
    "expand_dims": _copy,
    "read_variable": _copy,
    "assign_variable": _copy,
}


def _runs(grid: _Grid, itemsize: int) -> tuple[int, list[_strides.Axis]]:
    """Return the bytes that can be copied at once, and the loops over them (steps in bytes)."""
    counts = (*grid.shape, itemsize)
    axes = _strides.merge(
        counts,
        (*(step * itemsize for step in grid.in_steps), 1),
        (*(step * itemsize for step in grid.out_steps), 1),
    )
    if axes and axes[-1].steps == (1, 1):
        return axes[-1].count, axes[:-1]
    return 1, axes


def _itemsize(graph: Graph, op: Op) -> int:
    return graph.tensors[op.outputs[0]].dtype.itemsize


def _matches(graph: Graph, op: Op) -> bool:
    grids = _GRIDS[op.kind](graph, op)
    return all(len(_runs(grid, _itemsize(graph, op))[1]) <= _LOOPS for grid in grids)


def _lower(graph: Graph, op: Op) -> Lowering:
    itemsize = _itemsize(graph, op)
    grids = _GRIDS[op.kind](graph, op)
    calls = [_call(grid, itemsize) for grid in grids]
    rule = ops.rule(op)
    if isinstance(rule, PadRule):
        calls.insert(0, _fill(graph, op, rule.fill(graph, op)))
    if len(calls) > 1:
        return Lowering(tuple(calls))
    return Lowering(tuple(calls), in_place=(InPlace(distance=_safe_distance(grids[0], itemsize)),))


def _fill(graph: Graph, op: Op, value: int) -> Call:
    """Return the call that gives the whole output one value."""
    result = graph.tensors[op.outputs[0]]
    low, *others = np.array(value, result.dtype).tobytes()
    if set(others) <= {low}:
        params = {"bytes": result.nbytes, "value": int(np.array(low, np.uint8).astype(np.int8))}
        return Call("tk_fill", (Output(as_bytes=True),), "tk_fill_params", params)
    params = {"count": result.size, "value": value}
    return Call("tk_fill_s16", (Output(),), "tk_fill_s16_params", params)


def _call(grid: _Grid, itemsize: int) -> Call:
    run, axes = _runs(grid, itemsize)
    count, in_step, out_step = _strides.loops(axes, _LOOPS, 2)
    return Call(
        "tk_move",
        (
            Input(grid.source.position, grid.source.offset * itemsize, as_bytes=True),
            Output(grid.target.position, grid.target.offset * itemsize, as_bytes=True),
        ),
        "tk_move_params",
        {"run": run, "count": count, "in_step": in_step, "out_step": out_step},
    )


def _safe_distance(grid: _Grid, itemsize: int) -> int:
    """Return the distance at which no run overwrites itself or one that is still to be read."""
    run, axes = _runs(grid, itemsize)
    reads = _strides.offsets(axes, 0) + grid.source.offset * itemsize
    written = _strides.offsets(axes, 1) + run  # the output is written from front to back
    return _distance.streaming(reads, written, reads_first=False)


KINDS = tuple(kind for kind, grids in _GRIDS.items() if grids is not _copy)
KERNELS = (Kernel("move", "tk_move.h", _lower, reads=None, matches=_matches),)
