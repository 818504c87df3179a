"""How each op moves with time: which rows its newest outputs read, and what its output holds.

A rule sees an op with at least one input in time. Whatever has no rule, or breaks one, is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops._binary import BinaryRule
from tinykit.compiler.ops._lookup import LookupRule
from tinykit.compiler.ops._moves import ViewRule
from tinykit.compiler.ops._slices import Slice, SliceRule
from tinykit.compiler.streaming.axis import Time, in_shape, refuse

Times = Sequence[Time | None]  # of an op's inputs; None: a constant, or of the whole window


@dataclass(frozen=True)
class Motion:
    """Output row j reads rows `start + j * stride` and some after it, of each input in time.

    `outputs` has the time of each output; None when it is a value of the whole window, which reads
    every row from `start` on. Rows count from the window's first. `attrs`, where they change, are
    made from the number of new rows of the output.
    """

    outputs: tuple[Time | None, ...]
    start: int = 0
    stride: int = 1
    attrs: Callable[[int], Any] | None = None


Rule = Callable[[Graph, Op, Times], Motion]


def motion(graph: Graph, op: Op, times: Times) -> Motion:
    """Return how `op` moves; raises ModelError when it cannot be streamed."""
    rule = _BY_KIND.get(op.kind)
    meaning = ops.rule(op)
    for kind, found in _BY_CLASS:
        if rule is None and isinstance(meaning, kind):
            rule = found
    if rule is None:
        refuse(op, "has no streaming form: it is not known how it moves with time")
    return rule(graph, op, times)


def _single(op: Op, times: Times) -> Time:
    time = times[0]
    if time is None:
        refuse(op, "takes rows of the window as a parameter")
    return time


def _joined(op: Op, times: Times, graph: Graph) -> Time:
    """Return the time that all inputs share; constants may serve every row alike."""
    moving = [time for time in times if time is not None]
    for key, time in zip(op.inputs, times, strict=True):
        if time is None and key is not None and graph.tensors[key].data is None:
            refuse(
                op,
                "joins every row with a value of the whole window: with each hop, all rows change",
            )
    if len(set(moving)) != 1:
        apart = ", ".join(f"{t.rows} rows of stride {t.stride} on axis {t.axis}" for t in moving)
        refuse(op, f"joins inputs that move differently in time: {apart}")
    return moving[0]


def _check_outermost(op: Op, axis: int, shape: Sequence[int]) -> None:
    """Refuse a tensor whose rows would not lie one after the other."""
    if any(size != 1 for size in shape[:axis]):
        refuse(op, f"has time on axis {axis} of shape {tuple(shape)}: it must be the outermost")


def _elementwise(graph: Graph, op: Op, times: Times) -> Motion:
    return Motion((_single(op, times),))


def _view(graph: Graph, op: Op, times: Times) -> Motion:
    time = _single(op, times)
    shape = graph.tensors[op.outputs[0]].shape
    found = in_shape(time.rows, time.stride, shape)
    if found is None:
        refuse(op, f"cuts the {time.rows} rows of time apart: shape {shape}")
    return Motion((found,))


def _binary(graph: Graph, op: Op, times: Times) -> Motion:
    time = _joined(op, times, graph)
    shape = graph.tensors[op.outputs[0]].shape
    for key, own in zip(op.inputs, times, strict=True):
        assert key is not None
        other = graph.tensors[key].shape
        at = time.axis - len(shape) + len(other)
        if own is None and at >= 0 and other[at] != 1:
            refuse(op, f"has a constant {other} with values of its own for each row")
        if own is not None and len(other) != len(shape):
            refuse(op, f"broadcasts rows of shape {other} to {shape}")
    if shape[time.axis] != time.rows * time.width:
        refuse(op, f"broadcasts rows over shape {shape}")
    _check_outermost(op, time.axis, shape)
    return Motion((time,))


def _window(graph: Graph, op: Op, times: Times) -> Motion:
    time = _single(op, times)
    window = op.attrs.window
    if time.axis not in (1, 2) or time.width != 1:
        refuse(op, f"slides over height and width, time is on axis {time.axis}")
    side = time.axis - 1
    pads = (window.pad.top, window.pad.bottom), (window.pad.left, window.pad.right)
    if any(pads[side]):
        before, after = pads[side]
        refuse(
            op,
            f"pads its time axis ({before} rows before, {after} after: SAME, or a PAD before it), "
            "so the rows at the edges of each window differ",
        )
    shape = graph.tensors[op.outputs[0]].shape
    _check_outermost(op, time.axis, shape)
    rows = shape[time.axis]
    stride = window.stride[side]
    if rows == 1:
        return Motion((None,), 0, stride)
    return Motion((Time(time.axis, rows, time.stride * stride),), 0, stride)


def _fully_connected(graph: Graph, op: Op, times: Times) -> Motion:
    time = _single(op, times)
    assert op.inputs[0] is not None and op.inputs[1] is not None
    size = graph.tensors[op.inputs[0]].size
    depth = graph.tensors[op.inputs[1]].shape[1]
    if depth == size:
        return Motion((None,))  # flattened over all of time
    if (size // time.rows) % depth:
        refuse(op, f"reads {depth} elements at a time, a row has {size // time.rows}")
    found = in_shape(time.rows, time.stride, graph.tensors[op.outputs[0]].shape)
    if found is None:
        refuse(op, f"cuts the {time.rows} rows of time apart")
    return Motion((found,))


def _reduce(graph: Graph, op: Op, times: Times) -> Motion:
    time = _single(op, times)
    if time.axis in op.attrs.axes:
        return Motion((None,))
    if time.width != 1:
        refuse(op, "reduces a tensor in which time is flattened")
    assert op.inputs[0] is not None
    rank = len(graph.tensors[op.inputs[0]].shape)
    kept = len(graph.tensors[op.outputs[0]].shape) == rank
    gone = 0 if kept else sum(axis < time.axis for axis in op.attrs.axes)
    return Motion((dataclasses.replace(time, axis=time.axis - gone),))


def _softmax(graph: Graph, op: Op, times: Times) -> Motion:
    time = _single(op, times)
    if time.axis == len(graph.tensors[op.outputs[0]].shape) - 1:
        refuse(op, "is taken over its time axis: with each hop, all rows change")
    return Motion((time,))


def _concatenation(graph: Graph, op: Op, times: Times) -> Motion:
    time = _joined(op, times, graph)
    if any(own is None for own in times):
        refuse(op, "joins rows with a constant that has values of its own for each row")
    if op.attrs.axis == time.axis:
        refuse(op, "joins along the time axis")
    found = in_shape(time.rows, time.stride, graph.tensors[op.outputs[0]].shape)
    if found != time:
        refuse(op, f"joins on axis {op.attrs.axis}, outside time on axis {time.axis}")
    return Motion((time,))


def _split(graph: Graph, op: Op, times: Times) -> Motion:
    time = _single(op, times)
    if op.attrs.axis == time.axis:
        refuse(op, "cuts the time axis apart")
    return Motion((time,) * len(op.outputs))


def _pad(graph: Graph, op: Op, times: Times) -> Motion:
    time = _single(op, times)
    axes = range(time.axis + 1)
    if any(op.attrs.before[axis] or op.attrs.after[axis] for axis in axes):
        refuse(op, "pads its time axis, so the rows at the edges of each window differ")
    return Motion((time,))


def _transpose(graph: Graph, op: Op, times: Times) -> Motion:
    time = _single(op, times)
    assert op.inputs[0] is not None
    shape = graph.tensors[op.inputs[0]].shape
    axis = op.attrs.permutation.index(time.axis)
    _check_outermost(op, axis, [shape[other] for other in op.attrs.permutation])
    return Motion((dataclasses.replace(time, axis=axis),))


def _slice(graph: Graph, op: Op, times: Times) -> Motion:
    time = _single(op, times)
    part: Slice = op.attrs
    axis = time.axis
    whole = part.size[axis] == time.rows * time.width and part.stride[axis] == 1
    if whole:
        start, stride, rows = 0, 1, time.rows
    elif time.width != 1 or part.stride[axis] < 1:
        refuse(op, "takes its time axis backwards, or flattened, apart")
    else:
        start, stride, rows = part.start[axis], part.stride[axis], part.size[axis]

    def attrs(outputs: int) -> Slice:
        """Begin at the first row that is there: the transformation hands over no earlier ones."""
        new = (0, outputs * time.width, stride)
        changed = zip((part.start, part.size, part.stride), new, strict=True)
        return Slice(*((*old[:axis], value, *old[axis + 1 :]) for old, value in changed))

    if rows == 1:
        return Motion((None,), start, stride, attrs)
    shape = graph.tensors[op.outputs[0]].shape
    found = in_shape(rows, time.stride * stride, shape)
    if found is None:
        refuse(op, f"cuts the {time.rows} rows of time apart: shape {shape}")
    return Motion((found,), start, stride, attrs)


_BY_KIND: dict[str, Rule] = {
    "conv2d": _window,
    "depthwise_conv2d": _window,
    "average_pool2d": _window,
    "max_pool2d": _window,
    "fully_connected": _fully_connected,
    "mean": _reduce,
    "reduce_max": _reduce,
    "reduce_min": _reduce,
    "softmax": _softmax,
    "concatenation": _concatenation,
    "split": _split,
    "pad": _pad,
    "transpose": _transpose,
}

_BY_CLASS: tuple[tuple[type[ops.OpRule], Rule], ...] = (
    (LookupRule, _elementwise),
    (ViewRule, _view),
    (BinaryRule, _binary),
    (SliceRule, _slice),
)
