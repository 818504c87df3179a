"""Which chains around an op could be striped, and about how much RAM each would need."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops.stripes import Stripes
from tinykit.compiler.plan import Plan
from tinykit.compiler.striping import rows
from tinykit.compiler.striping.schedule import Schedule, schedule

_LONGEST = 12  # ops in a chain
_MOST = 200  # stripes: what a hostile model of very many rows can cost is bounded
_HEIGHTS = (1, 2, 3, 4, 6, 8, 12, 16)  # rows of the last tensor in a stripe


@dataclass(frozen=True, eq=False)
class Candidate:
    """Ops `first` to `last` in the order of the graph, striped.

    bytes : of the arena while they run: what they need at least, and what lives on beside them.
    loose : share of an op's pixels, of the worst op, that lie in no block of four of its stripe:
        kernels that compute four at a time take longer for each of them.
    """

    first: int
    last: int
    rows: int
    stripes: int
    bytes: int
    loose: float

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with the chain as one op."""
        body = tuple(graph.ops[self.first : self.last + 1])
        entry = rows.activations(graph, body[0])[0]
        keys = dict.fromkeys(key for op in body for key in op.inputs if key is not None)
        constants = (key for key in keys if graph.tensors[key].data is not None)
        inputs = (entry, *constants)
        op = Op("stripes", inputs, body[-1].outputs, Stripes(body, self.rows), body[-1].index)
        ops = [*graph.ops[: self.first], op, *graph.ops[self.last + 1 :]]
        return dataclasses.replace(graph, ops=ops)


def candidates(graph: Graph, plan: Plan, position: int) -> Iterator[Candidate]:
    """Yield the chains that contain the op at `position`."""
    for first in range(max(0, position - _LONGEST + 1), position + 1):
        if not rows.has_rows(graph, graph.ops[first]):
            continue
        for last in range(position, min(len(graph.ops), first + _LONGEST)):
            body = graph.ops[first : last + 1]
            reduces = len(body) > 1 and rows.is_reduction(graph, body[-1])
            inner = body[:-1] if reduces else body
            if not all(rows.has_rows(graph, op) for op in inner):
                break
            if len(body) > 1 and _is_closed(graph, body):
                yield from _heights(graph, plan, first, last, inner)
            if reduces:
                break


def _is_closed(graph: Graph, body: Sequence[Op]) -> bool:
    """Whether the chain reads one tensor from outside, and the outside its last result only."""
    made = {op.outputs[0] for op in body}
    given = {key for op in body for key in rows.activations(graph, op)} - made
    if len(given) != 1 or rows.activations(graph, body[0])[0] not in given:
        return False
    if graph.tensors[next(iter(given))].state:
        return False
    between = made - {body[-1].outputs[0]}
    outside = (key for op in graph.ops if op not in body for key in op.inputs)
    return not between.intersection((*outside, *graph.outputs))


def _heights(
    graph: Graph, plan: Plan, first: int, last: int, body: Sequence[Op]
) -> Iterator[Candidate]:
    end = body[-1].outputs[0]
    height = rows.height(graph, end)
    beside = _beside(plan, first, last)
    whole = len(body) == last - first + 1  # no reduction: the last tensor is there as a whole
    for count in _HEIGHTS:
        if height > _MOST * count:
            continue
        if 2 * count > height:
            break
        cut = schedule(graph, body, end, count)
        if _aligned(graph, body, cut):
            need = beside + _least(graph, body, cut, whole)
            yield Candidate(first, last, count, len(cut.written), need, _loose(graph, body, cut))


def _beside(plan: Plan, first: int, last: int) -> int:
    """Return the bytes of the tensors that are in memory all the time, but not for this chain."""
    return sum(span.bytes for span in plan.spans if span.first < first and span.last > last)


def _least(graph: Graph, body: Sequence[Op], cut: Schedule, whole: bool) -> int:
    """Return the bytes that the chain needs for its tensors, scratch of the kernels aside."""
    entry, end = rows.activations(graph, body[0])[0], body[-1].outputs[0]
    carried = sum(buffer.bytes for buffer in cut.buffers.values() if buffer.carried)
    plain = [buffer.bytes for buffer in cut.buffers.values() if not buffer.carried]
    outside = graph.tensors[entry].nbytes
    if whole:
        outside = max(outside, graph.tensors[end].nbytes)
    else:
        plain.append(
            rows.row_bytes(graph, end)
            * max(part[-1][1] - part[-1][0] for part in cut.written if part[-1])
        )
    return outside + carried + max(plain, default=0)


def _loose(graph: Graph, body: Sequence[Op], cut: Schedule) -> float:
    worst = 0.0
    for op, parts in zip(body, zip(*cut.written, strict=True), strict=True):
        columns = graph.tensors[op.outputs[0]].shape[2]
        pixels = [(part[1] - part[0]) * columns for part in parts if part is not None]
        worst = max(worst, sum(count % 4 for count in pixels) / max(sum(pixels), 1))
    return worst


def _aligned(graph: Graph, body: Sequence[Op], cut: Schedule) -> bool:
    """Whether every place where a kernel begins to read or write is a multiple of four bytes."""
    for stripe, parts in enumerate(cut.written):
        for op, part in zip(body, parts, strict=True):
            if part is None:
                continue
            read = rows.reads(graph, op, part)[0]
            places = [(op.outputs[0], part[0]), *((k, read) for k in rows.activations(graph, op))]
            for key, row in places:
                buffer = cut.buffers.get(key)
                row -= buffer.held[stripe][0] if buffer else 0
                if row * rows.row_bytes(graph, key) % 4:
                    return False
    return True
