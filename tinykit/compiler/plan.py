"""The memory plan: where every tensor, state and scratch buffer of a model lies.

Activations, model inputs and outputs and the kernels' scratch share one array, the arena; tensors
that are never alive together may take the same bytes, and so may an op's input and output where
its kernel allows it. State tensors keep their value between inferences: they have an array of
their own and never overlap anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tinykit.compiler import layout
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Kernel, Lowering, Target, select


@dataclass(frozen=True)
class Step:
    """One op with the kernel chosen for it."""

    op: Op
    kernel: Kernel
    lowering: Lowering


@dataclass(frozen=True)
class Place:
    """Where a tensor lies. `offset` is in bytes; a constant has an array of its own, at 0."""

    memory: Literal["arena", "state", "constant"]
    offset: int = 0


@dataclass(frozen=True)
class Span:
    """Bytes of the arena and the positions in the schedule between which they are in use.

    `first` is -1 for a model input; `last` is the number of ops for a model output.
    """

    name: str
    tensors: tuple[int, ...]  # a tensor and its views; empty for scratch
    first: int
    last: int
    offset: int
    bytes: int


@dataclass(frozen=True)
class Plan:
    """The result. The arena array has `arena_bytes + scratch_bytes` bytes."""

    steps: tuple[Step, ...]
    spans: tuple[Span, ...]  # tensors in order of first use
    scratch: dict[int, Span]  # by position in the schedule
    places: dict[int, Place]  # by tensor id, constants included
    arena_bytes: int  # up to the end of the highest tensor
    scratch_bytes: int  # what scratch needs beyond that
    state_bytes: int
    lower_bound_bytes: int  # no plan of these ops and kernels has a smaller arena array
    optimal: bool  # proven

    @property
    def total_bytes(self) -> int:
        """Size of the arena array."""
        return self.arena_bytes + self.scratch_bytes

    def span(self, tensor: int) -> Span | None:
        """Return the arena bytes of a tensor, or None for states and constants."""
        return next((span for span in self.spans if tensor in span.tensors), None)

    def shared_bytes(self, position: int) -> int:
        """Return how many bytes the outputs of the op at `position` share with its inputs."""
        op = self.steps[position].op
        sources = {s for key in op.inputs if key is not None and (s := self.span(key))}
        results = {s for key in op.outputs if (s := self.span(key))}
        if self.steps[position].lowering.view:
            return 0
        return sum(
            max(0, min(a.offset + a.bytes, b.offset + b.bytes) - max(a.offset, b.offset))
            for a in sources
            for b in results
        )

    def live_bytes(self) -> list[int]:
        """Return, for each position, the bytes of tensors and scratch in use, each counted once."""
        totals = []
        for position in range(len(self.steps)):
            used = [s for s in self.spans if s.first <= position <= s.last]
            used += [self.scratch[position]] if position in self.scratch else []
            end = total = 0
            for span in sorted(used, key=lambda span: span.offset):
                total += max(0, span.offset + span.bytes - max(end, span.offset))
                end = max(end, span.offset + span.bytes)
            totals.append(total)
        return totals


def schedule(graph: Graph, target: Target) -> tuple[Step, ...]:
    """Choose a kernel for every op, in the graph's order."""
    return tuple(step(graph, op, target) for op in graph.ops)


def step(graph: Graph, op: Op, target: Target) -> Step:
    """Choose a kernel for one op."""
    kernel = select(graph, op, target)
    return Step(op, kernel, kernel.lower(graph, op))


def plan(graph: Graph, steps: Sequence[Step], node_limit: int = layout.NODES) -> Plan:
    """Lay out the memory of `steps`, the ops of `graph` in order; see `layout.solve`."""
    every_root = _roots(graph, steps)
    roots = {key: root for key, root in every_root.items() if not graph.tensors[root].state}
    lives = _lives(graph, steps, roots)
    buffers = sorted(lives, key=lambda key: (lives[key], key))
    blocks = [layout.Block(graph.tensors[key].nbytes, *lives[key]) for key in buffers]
    users = [i for i, step in enumerate(steps) if step.lowering.scratch_bytes]
    blocks += [layout.Block(steps[i].lowering.scratch_bytes, i, i) for i in users]
    number = {key: i for i, key in enumerate(buffers)}
    overlaps = [
        overlap
        for i, step in enumerate(steps)
        for overlap in _overlaps(i, step, roots, lives, number)
    ]
    found = layout.solve(blocks, overlaps, node_limit)

    views = {key: tuple(t for t in roots if roots[t] == key) for key in buffers}
    spans = tuple(
        Span(graph.tensors[key].name, views[key], *lives[key], found.offsets[i], blocks[i].bytes)
        for i, key in enumerate(buffers)
    )
    scratch = {
        i: Span(f"scratch of {steps[i].op}", (), i, i, offset, steps[i].lowering.scratch_bytes)
        for i, offset in zip(users, found.offsets[len(buffers) :], strict=True)
    }
    arena_bytes = max((layout.align(span.offset + span.bytes) for span in spans), default=0)
    held, state_bytes = _states(graph)
    states = {key: held[root] for key, root in every_root.items() if root in held}
    constants = {k: Place("constant") for k, t in graph.tensors.items() if t.data is not None}
    arena = {t: Place("arena", span.offset) for span in spans for t in span.tensors}
    return Plan(
        tuple(steps),
        spans,
        scratch,
        {**constants, **arena, **states},
        arena_bytes,
        found.bytes - arena_bytes,
        state_bytes,
        found.lower_bound,
        found.optimal,
    )


def _roots(graph: Graph, steps: Sequence[Step]) -> dict[int, int]:
    """Return, for each tensor of arena or state, the one whose bytes it is a view of, or itself."""
    roots = {key: key for key in graph.inputs}
    roots |= {key: key for key, tensor in graph.tensors.items() if tensor.state}
    for step in steps:
        for key in step.op.outputs:
            roots[key] = key
        if step.lowering.view:
            source = step.op.inputs[0]
            assert source is not None
            roots[step.op.outputs[0]] = roots[source]
    return roots


def _lives(
    graph: Graph, steps: Sequence[Step], roots: dict[int, int]
) -> dict[int, tuple[int, int]]:
    """Return the first and last position at which each root, or a view of it, is in use."""
    lives = {key: (-1, -1) for key in graph.inputs if key in roots}
    for position, step in enumerate(steps):
        for key in step.op.outputs:
            if key in roots and roots[key] == key:
                lives[key] = (position, position)
        for used in (*step.op.inputs, *step.op.outputs):
            if used is not None and used in roots:
                lives[roots[used]] = (lives[roots[used]][0], position)
    for key in graph.outputs:
        if key in roots:
            lives[roots[key]] = (lives[roots[key]][0], len(steps))
    return lives


def _overlaps(
    position: int,
    step: Step,
    roots: dict[int, int],
    lives: dict[int, tuple[int, int]],
    number: dict[int, int],
) -> list[layout.Overlap]:
    """Return the overlaps that a kernel allows and the lifetimes permit."""
    allowed = {(pair.input, pair.output): pair for pair in step.lowering.in_place}
    inputs = step.op.inputs
    overlaps = []
    for output, result in enumerate(step.op.outputs):
        for source in sorted({roots[key] for key in inputs if key in roots}):
            if result not in roots or lives[source][1] != position:
                continue  # a state, or the input is still needed afterwards
            reads = [i for i, key in enumerate(inputs) if key in roots and roots[key] == source]
            pairs = [allowed.get((i, output)) for i in reads]
            if any(pair is None for pair in pairs):
                continue
            distance = max(pair.distance for pair in pairs if pair)
            exact = any(pair.exact for pair in pairs if pair)
            backwards = {pair.backwards for pair in pairs if pair}
            if (exact and distance) or len(backwards) > 1:
                continue
            ends = number[source], number[roots[result]]
            upper, lower = reversed(ends) if backwards == {True} else ends
            overlaps.append(layout.Overlap(upper, lower, distance, exact))
    return overlaps


def _states(graph: Graph) -> tuple[dict[int, Place], int]:
    """Put the state tensors one after the other."""
    places, offset = {}, 0
    for key, tensor in sorted(graph.tensors.items()):
        if tensor.state:
            places[key] = Place("state", offset)
            offset += layout.align(tensor.nbytes)
    return places, offset
