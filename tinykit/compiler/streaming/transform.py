"""From a model of a window to one that takes the newest rows and keeps what it needs of the past.

The window moves on by `hop` rows of the input, the product of the strides in time (their least
common multiple where branches differ), so that every tensor moves on by whole rows of its own:
`hop / stride`. What moved is known already, from the last inference; only the newest rows of each
tensor are computed. An op that looks back further than these gets them behind a FIFO: the newest
rows of its input, in a state that `stream_push` moves on. Every number is the one that the window
model computes, so the result is exact at every hop.

With phases a hop is one row of the input. A tensor whose rows are `stride` rows of the input apart
has a new one at every `stride`-th inference, counted from the reset; a value of the whole window
is new when all that feeds it is. The ops in between have nothing to do and are left out, FIFOs
are moved on when there is a new row, and a model output that is not new keeps its value in a FIFO
of its own, as long as it is. All periods begin at the reset, so what an op reads was computed in
the same inference, or is in a FIFO.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np

from tinykit.compiler import reference
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array
from tinykit.compiler.ops._slices import Slice
from tinykit.compiler.ops.stream_push import StreamPush
from tinykit.compiler.passes.fold_views import VIEWS
from tinykit.compiler.streaming.axis import Time, in_shape, refuse
from tinykit.compiler.streaming.rules import Motion, motion

_NO_PHASES = "phases keep an output as rows: stream without --phases, or let it have an axis"


@dataclass(frozen=True, eq=False)
class Stream:
    """A streamed model and the window model that it equals.

    graph : takes `hop_rows` new rows of each input at every inference.
    window : takes all rows.
    times : of each tensor of `window` that holds rows in time; a tensor has the same id in `graph`.
    """

    graph: Graph
    window: Graph
    times: dict[int, Time]
    hop_rows: int

    def newest(self, key: int, value: Array) -> Array:
        """Return the part of a tensor of the window model that the streamed model computes."""
        time = self.times.get(key)
        return value if time is None else _last(value, time, new_rows(time, self.hop_rows))


def new_rows(time: Time, hop: int) -> int:
    """Return how many rows of a tensor are new, when any are, after `hop` new rows of the input."""
    return min(max(hop // time.stride, 1), time.rows)


def stream(window: Graph, phases: bool = False) -> Stream:
    """Return `window` as a model that takes the newest rows only.

    At reset, the past is rows that hold the input's zero point: the output at the n-th hop is that
    of the window model over such rows and then the n * `hop_rows` rows so far.

    Parameters
    ----------
    window : Graph
    phases : bool
        Take one row at each inference, and let what has a stride behind it work at every so many.
        An output with a period of p gives at the n-th inference what it gave at the last multiple
        of p; at the first p - 1, what the window model gives over zero points.

    Raises
    ------
    ModelError
        When the model cannot be streamed, with the op and the reason.
    """
    if any(tensor.state for tensor in window.tensors.values()):
        refuse(None, "it keeps state of its own")
    times, motions = _analyse(window)
    hop = math.lcm(*(time.stride for time in times.values()))
    for key in window.inputs:
        if hop >= times[key].rows:
            refuse(
                None,
                f"its strides in time make a hop of {hop} rows, and input "
                f"{window.tensors[key].name!r} has {times[key].rows}: nothing would be reused",
                "use a longer window or smaller strides in time",
            )
    hop = 1 if phases else hop
    graph = _Builder(window, times, hop, _periods(window, times, hop)).build(motions)
    graph.verify()
    return Stream(graph, window, times, hop)


def past(graph: Graph) -> list[Array]:
    """Return inputs that are nothing but zero points: what a stream begins with."""
    inputs = (graph.tensors[key] for key in graph.inputs)
    return [np.full(t.shape, t.zero_point if t.quantization else 0, t.dtype) for t in inputs]


def _analyse(graph: Graph) -> tuple[dict[int, Time], list[Motion | None]]:
    """Return the time of each tensor that has one, and how each op moves (None: it does not)."""
    times = {key: _input_time(graph, key) for key in graph.inputs}
    motions: list[Motion | None] = []
    for op in graph.ops:
        own = [None if key is None else times.get(key) for key in op.inputs]
        found = motion(graph, op, own) if any(own) else None
        motions.append(found)
        outputs = zip(op.outputs, found.outputs, strict=True) if found else ()
        times.update({key: time for key, time in outputs if time})
    return times, motions


def _periods(graph: Graph, times: dict[int, Time], hop: int) -> dict[int, int]:
    """Return n for each tensor: it is new at every n-th inference, each of `hop` rows."""
    found = dict.fromkeys(graph.tensors, 1)
    for op in graph.ops:
        every = math.lcm(*(found[key] for key in op.inputs if key is not None))
        for key in op.outputs:
            time = times.get(key)
            found[key] = max(time.stride // hop, 1) if time else every
    return found


def _input_time(graph: Graph, key: int) -> Time:
    """Return the time of a model input: its first axis but the batch.

    A flat input is in time when it is reshaped to something that is.
    """
    tensor = graph.tensors[key]
    views = [op for op in graph.ops if op.kind in VIEWS and op.inputs[0] == key]
    for shape in [tensor.shape, *(graph.tensors[op.outputs[0]].shape for op in views)]:
        axis = next((i for i, size in enumerate(shape) if size != 1), len(shape))
        if 1 <= axis < len(shape) - 1:
            found = in_shape(shape[axis], 1, tensor.shape)
            if found:
                return found
    refuse(
        None,
        f"no time axis in input {tensor.name!r} of shape {tensor.shape}",
        "the input must be (1, time, ...), or be reshaped to that",
    )


def _last(value: Array, time: Time, rows: int) -> Array:
    """Return the newest `rows` rows of a tensor."""
    axis, length = time.axis, value.shape[time.axis]
    return np.split(value, [length - rows * time.width], axis)[1]


@dataclass
class _Builder:
    """The streamed graph while it is made."""

    window: Graph
    times: dict[int, Time]
    hop: int
    periods: dict[int, int]
    tensors: dict[int, Tensor] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)
    _held: dict[int, int] = field(default_factory=dict)  # rows that some op needs of a tensor
    _made: dict[tuple[int, int], int] = field(default_factory=dict)  # the newest rows, by count
    _stands: dict[int, int] = field(default_factory=dict)  # model outputs that are kept

    def build(self, motions: list[Motion | None]) -> Graph:
        """Return the graph."""
        self.tensors = {key: self._newest(key) for key in self.window.tensors}
        for op, moves in zip(self.window.ops, motions, strict=True):
            for key in self._moving(op):
                assert moves is not None
                self._held[key] = max(self._held.get(key, 0), self._needed(key, moves))
        constant = past(self.window)
        self._past = reference.run(self.window, constant)[1]
        for op, moves in zip(self.window.ops, motions, strict=True):
            self.ops.append(self._moved(op, moves) if moves else op)
        outputs = [self._standing(key) for key in self.window.outputs]
        return dataclasses.replace(self.window, tensors=self.tensors, ops=self.ops, outputs=outputs)

    def _moving(self, op: Op) -> list[int]:
        return [key for key in op.inputs if key is not None and key in self.times]

    def _new(self, key: int) -> int:
        return new_rows(self.times[key], self.hop)

    def _newest(self, key: int) -> Tensor:
        tensor = self.window.tensors[key]
        if key not in self.times:
            return tensor
        shape = self.times[key].shape(tensor.shape, self._new(key))
        return dataclasses.replace(tensor, shape=shape)

    def _needed(self, key: int, moves: Motion) -> int:
        """Return how many of the newest rows of `key` give the newest rows of the outputs."""
        first = moves.outputs[0]
        skipped = first.rows - new_rows(first, self.hop) if first else 0
        return self.times[key].rows - (moves.start + skipped * moves.stride)

    def _moved(self, op: Op, moves: Motion) -> Op:
        """Return `op` over the newest rows, after the ops that provide them."""
        inputs = list(op.inputs)
        for position, key in enumerate(op.inputs):
            if key is not None and key in self.times:
                inputs[position] = self._rows(key, self._needed(key, moves))
        attrs = op.attrs
        if moves.attrs is not None:
            first = moves.outputs[0]
            attrs = moves.attrs(new_rows(first, self.hop) if first else 1)
        return dataclasses.replace(op, inputs=tuple(inputs), attrs=attrs)

    def _rows(self, key: int, rows: int) -> int:
        """Return a tensor that holds the newest `rows` rows of tensor `key`."""
        if rows == self._new(key):
            return key
        if (key, rows) not in self._made:
            kept = rows == self._held[key] and rows > self._new(key)
            self._made[key, rows] = self._push(key) if kept else self._cut(key, rows)
        return self._made[key, rows]

    def _push(self, key: int) -> int:
        """Keep the newest rows that any op needs of tensor `key`."""
        time = self.times[key]
        return self._keep(key, _last(self._past[key], time, self._held[key]), time.axis)

    def _standing(self, key: int) -> int:
        """Return model output `key`, kept while it is not new."""
        if self.periods[key] == 1:
            return key
        if not self.window.tensors[key].shape:
            refuse(None, f"output {self.window.tensors[key].name!r} is a scalar", _NO_PHASES)
        if key not in self._stands:
            time, past = self.times.get(key), self._past[key]
            past = past if time is None else _last(past, time, self._new(key))
            self._stands[key] = self._keep(key, past, time.axis if time else 0)
        return self._stands[key]

    def _keep(self, key: int, past: Array, axis: int) -> int:
        """Put what is new of tensor `key` behind a FIFO that holds `past` at the reset."""
        tensor = self.window.tensors[key]
        held = dataclasses.replace(tensor, name=f"{tensor.name} (kept)", shape=past.shape)
        first = np.ascontiguousarray(past)
        state = self._add(dataclasses.replace(held, data=first, state=True))
        kept = self._add(held)
        self._append("stream_push", (state, key), kept, StreamPush(axis, self.periods[key]))
        return kept

    def _cut(self, key: int, rows: int) -> int:
        """Leave out the oldest rows, for an op that needs fewer than another one."""
        time = self.times[key]
        source = self._rows(key, max(self._held[key], self._new(key)))
        tensor = self.tensors[source]
        shape = time.shape(tensor.shape, rows)
        start = [0] * len(shape)
        start[time.axis] = tensor.shape[time.axis] - shape[time.axis]
        result = self._add(dataclasses.replace(tensor, name=f"{tensor.name} (newest)", shape=shape))
        ones = (1,) * len(shape)
        self._append("slice", (source,), result, Slice(tuple(start), shape, ones))
        return result

    def _add(self, tensor: Tensor) -> int:
        key = max(self.tensors) + 1
        self.tensors[key] = tensor
        return key

    def _append(self, kind: str, inputs: tuple[int, ...], output: int, attrs: object) -> None:
        """Add an op that the file has not; it is numbered after those that it has."""
        known = (*self.window.ops, *self.ops)
        index = max(op.index for op in known) + 1
        self.ops.append(Op(kind, inputs, (output,), attrs, index))
