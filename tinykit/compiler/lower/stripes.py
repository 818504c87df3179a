"""Stripes: the kernels of a chain of ops called for a few rows at a time.

Each op gets, for its rows in a stripe, the kernel that the core has for an op of that shape. Rows
between the ops lie in buffers in scratch, laid out as the arena is: buffers that carry rows from
one stripe to the next are there all the time, others share their bytes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tinykit.compiler import layout
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Argument,
    Call,
    Constant,
    InPlace,
    Input,
    Kernel,
    Loop,
    Lowering,
    Output,
    Scratch,
    Target,
    _distance,
    _rolled,
    _window,
    select,
    sums,
)
from tinykit.compiler.striping import rows, schedule

_NODES = 2000  # of the search for the layout of the buffers


@dataclass(frozen=True)
class _Part:
    """An op in a stripe: lowered, with where it reads and writes."""

    position: int  # in the body
    op: Op
    kernel: Kernel
    lowering: Lowering
    reads: rows.Rows
    writes: rows.Rows


@dataclass(frozen=True)
class _Places:
    """Offsets in scratch."""

    buffers: dict[int, int]  # by tensor
    scratch: dict[int, int]  # by position in the body
    sums: int
    bytes: int


class _Chain:
    """One op `stripes`, taken apart for a target."""

    def __init__(self, graph: Graph, op: Op, target: Target) -> None:
        self.graph, self.op, self.target = graph, op, target
        body = list(op.attrs.body)
        self.reduction = None
        if rows.is_reduction(graph, body[-1]):
            self.reduction = sums.reduction(graph, body[-1])
            self.reducer = body.pop()
        self.body = body
        self.last = body[-1].outputs[0]
        self.entry = rows.activations(graph, body[0])[0]
        self.schedule = schedule.schedule(graph, body, self.last, op.attrs.rows)
        self.buffers = dict(self.schedule.buffers)
        if self.reduction:
            held = tuple(parts[-1] or (0, 0) for parts in self.schedule.written)
            row_bytes = rows.row_bytes(graph, self.last)
            self.buffers[self.last] = schedule.Buffer(held, row_bytes)
        self._known: dict[object, tuple[Op, Kernel, Lowering]] = {}
        self.stripes = [list(self._parts(i)) for i in range(len(self.schedule.written))]
        self.places = self._layout()

    def _parts(self, stripe: int) -> Iterator[_Part]:
        for position, op in enumerate(self.body):
            writes = self.schedule.written[stripe][position]
            if writes is None:
                continue
            part, kernel, lowering = self._lowered(position, op, writes)
            reads = rows.reads(self.graph, op, writes)
            if self._sees_all(op, kernel):
                reads = 0, rows.height(self.graph, self.entry)
            yield _Part(position, part, kernel, lowering, reads, writes)
        if self.reduction:
            writes = self.buffers[self.last].held[stripe]
            yield _Part(len(self.body), *self._partial(writes), writes, (0, 0))

    def _lowered(self, position: int, op: Op, writes: rows.Rows) -> tuple[Op, Kernel, Lowering]:
        part_graph, part = rows.part(self.graph, op, writes)
        shapes = tuple(part_graph.tensors[key].shape for key in (*part_graph.inputs, *part.outputs))
        window = getattr(part.attrs, "window", None)
        key = (position, shapes, window)
        if key not in self._known:
            kernel = select(part_graph, part, self.target)
            self._known[key] = part, kernel, kernel.lower(part_graph, part)
        kernel = self._known[key][1]
        return self._begun(op, writes, kernel) if self._sees_all(op, kernel) else self._known[key]

    def _begun(self, op: Op, writes: rows.Rows, kernel: Kernel) -> tuple[Op, Kernel, Lowering]:
        """Return an op that is given the whole image and told where to begin."""
        graph, part = rows.part(self.graph, op, writes, whole=True)
        key = (op.index, writes[1] - writes[0])  # alike but for the first row
        if key not in self._known:
            self._known[key] = part, kernel, kernel.lower(graph, part)
        lowering = self._known[key][2]
        top = part.attrs.window.pad.top
        calls = (replace(c, params=_window.begun(c.params, top)) for c in lowering.calls)
        return part, kernel, replace(lowering, calls=tuple(calls))

    def _sees_all(self, op: Op, kernel: Kernel) -> bool:
        """Whether an op can read the whole image from any row on.

        Then only where it begins changes from stripe to stripe, at the edges of the image too.
        """
        slides = op.kind in rows.WINDOWS and op.attrs.window.size != (1, 1)
        return slides and kernel.anywhere and self.entry in op.inputs

    def _partial(self, read: rows.Rows) -> tuple[Op, Kernel, Lowering]:
        """Return what adds some rows to the sums of the reduction."""
        assert self.reduction is not None
        source = self.graph.tensors[self.last]
        cut = replace(source, shape=(1, read[1] - read[0], *source.shape[2:]))
        tensors = {**self.graph.tensors, self.last: cut}
        inputs = self.reducer.inputs
        if self.reduction.kind == "matrix_sums":
            assert inputs[1] is not None
            weights = self.graph.tensors[inputs[1]]
            assert weights.data is not None
            width = rows.row_bytes(self.graph, self.last)
            data = np.ascontiguousarray(weights.data[:, read[0] * width : read[1] * width])
            tensors[inputs[1]] = replace(weights, data=data, shape=data.shape)
        op = replace(self.reducer, kind=self.reduction.kind, inputs=inputs[:2])
        graph = replace(self.graph, tensors=tensors)
        kernel = select(graph, op, self.target)
        return op, kernel, kernel.lower(graph, op)

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels used, each once."""
        used = {part.kernel.name: part.kernel for parts in self.stripes for part in parts}
        return tuple(used.values())

    @property
    def uneven(self) -> bool:
        """Whether some op has its constants laid out otherwise in some stripes.

        The kernel then goes another way through its tensors there, and in a loop over the stripes
        no number of it is known when it is compiled.
        """
        ways: dict[int, set[tuple[bytes, ...]]] = {}
        for part in (part for parts in self.stripes for part in parts):
            if part.position < len(self.body):  # what sums up has other weights for each stripe
                given = (a for call in part.lowering.calls for a in call.arguments)
                laid = tuple(a.data.tobytes() for a in given if isinstance(a, Constant))
                ways.setdefault(part.position, set()).add(laid)
        return any(len(laid) > 1 for laid in ways.values())

    def _layout(self) -> _Places:
        """Lay out buffers, sums and the kernels' scratch."""
        end = len(self.body)
        blocks: list[layout.Block] = []
        number: dict[int, int] = {}
        for key, buffer in self.buffers.items():
            first = next(i for i, op in enumerate(self.body) if op.outputs[0] == key)
            users = [i for i, op in enumerate(self.body) if key in op.inputs]
            last = end if key == self.last else max(users)
            number[key] = len(blocks)
            always = buffer.carried
            blocks.append(
                layout.Block(buffer.bytes, 0 if always else first, end if always else last)
            )
        needed: dict[int, int] = {}
        for part in (part for parts in self.stripes for part in parts):
            most = max(needed.get(part.position, 0), part.lowering.scratch_bytes)
            needed[part.position] = most
        users = [position for position, size in needed.items() if size]
        blocks += [layout.Block(needed[position], position, position) for position in users]
        if self.reduction:
            blocks.append(layout.Block(4 * self.reduction.start.size, 0, end))
        if not blocks:
            return _Places({}, {}, 0, 0)
        found = layout.solve(blocks, list(self._overlaps(number)), _NODES)
        offsets = found.offsets
        return _Places(
            {key: offsets[i] for key, i in number.items()},
            dict(zip(users, offsets[len(number) :], strict=False)),
            offsets[-1],
            found.bytes,
        )

    def _overlaps(self, number: dict[int, int]) -> Iterator[layout.Overlap]:
        """Yield what every stripe allows: an op's result over its input, if neither is carried."""
        for position, op in enumerate(self.body):
            result = op.outputs[0]
            for source in rows.activations(self.graph, op):
                if source not in number or result not in number:
                    continue
                apart = self.buffers[source].carried or self.buffers[result].carried
                if apart or any(source in later.inputs for later in self.body[position + 1 :]):
                    continue
                pairs = [
                    self._pair(part, source, stripe)
                    for stripe, parts in enumerate(self.stripes)
                    for part in parts
                    if part.position == position
                ]
                if all(pairs):
                    distance = max(pair.distance for pair in pairs if pair)
                    exact = any(pair.exact for pair in pairs if pair)
                    backwards = {pair.backwards for pair in pairs if pair}
                    if not (exact and distance) and len(backwards) == 1:
                        ends = number[source], number[result]
                        upper, lower = reversed(ends) if backwards == {True} else ends
                        yield layout.Overlap(upper, lower, distance, exact)

    def _pair(self, part: _Part, source: int, stripe: int) -> InPlace | None:
        """Return the permission of one part, if it reads its buffer from the start on."""
        at = [i for i, key in enumerate(part.op.inputs) if key == source]
        allowed = {pair.input: pair for pair in part.lowering.in_place if pair.output == 0}
        if len(at) != 1 or at[0] not in allowed:
            return None
        if part.reads[0] != self.buffers[source].held[stripe][0]:
            return None
        return allowed[at[0]]

    def lower(self) -> Lowering:
        """Return all calls, what they need, and how far the output may reach into the input."""
        rounds = [
            {**dict(self._kept(stripe)), **dict(self._calls(stripe))}
            for stripe in range(len(self.stripes))
        ]
        calls, loops = _rolled.rolled(rounds)
        if self.reduction:
            place = Scratch(self.places.sums, "int32_t")
            calls = [self.reduction.begin(place), *calls, self.reduction.finish(place)]
            loops = [Loop(loop.first + 1, loop.end + 1, loop.count) for loop in loops]
        return Lowering(
            tuple(calls),
            self.places.bytes,
            (InPlace(distance=self._distance()),),
            loops=tuple(loops),
        )

    def _distance(self) -> int:
        """Return how far into the output the input must begin."""
        if self.reduction:
            return 0  # the output is written when all has been read
        reads = [first for first, _ in self.schedule.entry]
        ends = [parts[-1].writes[1] for parts in self.stripes]
        return _distance.streaming(
            np.array(reads) * rows.row_bytes(self.graph, self.entry),
            np.array(ends) * rows.row_bytes(self.graph, self.last),
            # within a stripe the last op writes when the others have read
            reads_first=self.entry not in self.body[-1].inputs,
        )

    def _kept(self, stripe: int) -> Iterator[tuple[Hashable, Call]]:
        """Yield the calls that move rows of the stripe before to the front of their buffers."""
        for key, buffer in self.buffers.items():
            kept = buffer.kept(stripe)
            down = buffer.held[stripe][0] - buffer.held[stripe - 1][0]
            if kept and down:
                params = {"keep": kept * buffer.row_bytes, "add": down * buffer.row_bytes}
                place = (Scratch(self.places.buffers[key]),)
                yield (
                    ("kept", key),
                    Call("tk_stream_keep_s8", place, "tk_stream_push_params", params),
                )

    def _calls(self, stripe: int) -> Iterator[tuple[Hashable, Call]]:
        for part in self.stripes[stripe]:
            for number, call in enumerate(part.lowering.calls):
                arguments = tuple(
                    self._bound(argument, part, stripe) for argument in call.arguments
                )
                yield (part.position, number), replace(call, arguments=arguments)

    def _bound(self, argument: Argument, part: _Part, stripe: int) -> Argument:
        """Return an argument of a part as one of the whole op."""
        match argument:
            case Constant():
                role = f"{argument.role}_{part.op.index}"
                return replace(argument, role=role)
            case Scratch():
                offset = self.places.scratch[part.position] + argument.offset
                return replace(argument, offset=offset)
            case Output():
                if part.position == len(self.body):
                    return Scratch(self.places.sums, "int32_t")
                return self._place(part.op.outputs[0], part.writes, stripe, argument)
            case Input():
                key = part.op.inputs[argument.position]
                assert key is not None
                if self.graph.tensors[key].data is not None:
                    return replace(argument, position=self.op.inputs.index(key))
                return self._place(key, part.reads, stripe, argument)

    def _place(self, key: int, seen: rows.Rows, stripe: int, argument: Input | Output) -> Argument:
        """Return where an argument that begins at row `seen[0]` of a tensor lies in a stripe."""
        first, width = seen[0], rows.row_bytes(self.graph, key)
        if key in self.buffers:
            first -= self.buffers[key].held[stripe][0]
            offset = self.places.buffers[key] + first * width + argument.offset
            ctype = "int8" if argument.as_bytes else self.graph.tensors[key].dtype.name
            return Scratch(offset, f"{ctype}_t")
        place = Input if key == self.entry else Output
        return place(0, first * width + argument.offset, argument.as_bytes)


def compose(graph: Graph, op: Op, target: Target) -> Kernel:
    """Return the kernel that carries out the ops of `op` with the target's kernels."""
    chain = _Chain(graph, op, target)
    name = "stripes: " + ", ".join(kernel.name for kernel in chain.kernels)
    headers = frozenset({"tk_stream.h", *(("tk_sums.h",) if chain.reduction else ())})
    return Kernel(
        name,
        "",
        lambda graph, op: chain.lower(),
        parts=chain.kernels,
        uneven=chain.uneven,
        also=headers,
    )


KINDS = ("stripes",)
