"""Which rows each op of a striped chain computes in each stripe, and which rows stay in memory.

A stripe begins with the rows of the last tensor and goes back through the ops to the rows that they
need. What the stripe before has computed already is not computed again: those rows are kept, at the
front of the tensor's buffer. So a stripe costs the MACs of its new rows, and a few bytes moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.striping.rows import Rows, activations, height, reads, row_bytes


@dataclass(frozen=True)
class Buffer:
    """The rows of one tensor that are in memory in each stripe, oldest first."""

    held: tuple[Rows, ...]  # by stripe
    row_bytes: int

    @property
    def bytes(self) -> int:
        """Size."""
        return self.row_bytes * max(end - first for first, end in self.held)

    def kept(self, stripe: int) -> int:
        """Return how many rows of the stripe before are still needed."""
        return max(0, self.held[stripe - 1][1] - self.held[stripe][0]) if stripe else 0

    @property
    def carried(self) -> bool:
        """Whether any rows outlive a stripe."""
        return any(self.kept(stripe) for stripe in range(len(self.held)))


@dataclass(frozen=True)
class Schedule:
    """The stripes of a chain.

    written : of each stripe, the rows that each op computes; None where it has nothing to do.
    entry : the rows of the chain's input that each stripe reads.
    buffers : of each tensor between the ops.
    """

    written: tuple[tuple[Rows | None, ...], ...]
    entry: tuple[Rows, ...]
    buffers: dict[int, Buffer]

    @property
    def moved_bytes(self) -> int:
        """How many bytes are moved to keep them."""
        return sum(
            buffer.kept(stripe) * buffer.row_bytes
            for buffer in self.buffers.values()
            for stripe in range(len(self.written))
        )


def schedule(graph: Graph, body: Sequence[Op], last: int, rows: int) -> Schedule:
    """Cut the tensor `last`, which the last of `body` writes, into stripes of `rows` rows."""
    entry = next(key for key in activations(graph, body[0]))
    between = [op.outputs[0] for op in body if op.outputs[0] != last]
    done = dict.fromkeys((*between, last), 0)
    written, wanted, inputs = [], [], []
    for start in range(0, height(graph, last), rows):
        need = {last: (start, min(start + rows, height(graph, last)))}
        parts: list[Rows | None] = []
        for op in reversed(body):
            key = op.outputs[0]
            first, end = need.get(key, (0, 0))
            first = max(first, done[key])
            if first >= end:
                parts.append(None)
                continue
            done[key] = end
            parts.append((first, end))
            seen = reads(graph, op, (first, end))
            for source in activations(graph, op):
                other = need.get(source, seen)
                need[source] = min(seen[0], other[0]), max(seen[1], other[1])
        written.append(tuple(reversed(parts)))
        wanted.append({key: need[key] for key in between if key in need})
        inputs.append(need.get(entry))
    return Schedule(
        tuple(written),
        _without_gaps(inputs, height(graph, entry)),
        {key: _buffer(graph, key, body, wanted, written) for key in between},
    )


def _without_gaps(inputs: Sequence[Rows | None], rows: int) -> tuple[Rows, ...]:
    """Return the rows read; nothing, at the end of the image, where a stripe reads none."""
    return tuple((rows, rows) if seen is None else seen for seen in inputs)


def _buffer(
    graph: Graph,
    key: int,
    body: Sequence[Op],
    wanted: Sequence[dict[int, Rows]],
    written: Sequence[tuple[Rows | None, ...]],
) -> Buffer:
    """Return what has to be there of a tensor: from the first row still needed to the newest."""
    writer = next(i for i, op in enumerate(body) if op.outputs[0] == key)
    ends, end = [], 0
    for parts in written:
        part = parts[writer]
        end = part[1] if part else end
        ends.append(end)
    held, first = [], ends[-1]
    for need, end in zip(reversed(wanted), reversed(ends), strict=True):
        first = min(first, need[key][0] if key in need else first, end)
        held.append((first, end))
    return Buffer(tuple(reversed(held)), row_bytes(graph, key))
