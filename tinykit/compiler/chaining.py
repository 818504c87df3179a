"""Which elementwise ops become chains: one loop, and what lies between them in no memory.

A chain is carried out where its last op was. It may have several inputs, and a value may be read
by several of its ops (`x * logistic(x)`), as long as nobody outside reads it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from tinykit.compiler import copies
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Target
from tinykit.compiler.ops.chain import Chain
from tinykit.compiler.passes.fold_views import VIEWS
from tinykit.compiler.plan import Plan, plan, step

_LOADS = {"add": 3, "sub": 3, "mul": 2, "maximum": 1, "minimum": 1}
"""About how many registers the constants of an op take; those of a table take none."""
_MOST_LOAD, _MOST_LOAD_PORTABLE = 7, 5
"""Of a chain. Measured on chains of random ops: with more it may be slower than its ops."""
_MOST_TRIED = 64  # chains whose RAM is looked at one by one
_NODES, _NODES_EACH = 4_000, 200
"""How long a layout that is no larger is looked for: with all chains, and with one more."""


def chain(graph: Graph, planned: Plan, target: Target) -> tuple[Graph, Plan]:
    """Return the graph with chains where they cost nothing, and its plan.

    No chain makes the arena larger. One may, where its inputs have to wait for its last op: then
    the parts of it are tried that no other op interrupts.

    Parameters
    ----------
    graph : Graph
        After all passes and stripes.
    planned : Plan
        Of `graph`.
    """
    finder = _Finder(graph, planned, target)
    groups = finder.groups()
    if not groups:
        return graph, planned
    made = _applied(graph, planned, groups, target, _NODES)
    if made[1].total_bytes <= planned.total_bytes:
        return _laid_out(*made)
    best = graph, planned
    for group in groups[:_MOST_TRIED]:
        for bodies in filter(None, ([group], finder.runs(group))):
            made = _applied(*best, bodies, target, _NODES_EACH)
            if made[1].total_bytes <= planned.total_bytes:
                best = made
                break
    return best if best[0] is graph else _laid_out(*best)


def _laid_out(graph: Graph, tried: Plan) -> tuple[Graph, Plan]:
    """Return the graph with the best plan that a whole search finds."""
    return graph, plan(graph, tried.steps)


def _without_loose_views(group: Iterable[Op]) -> tuple[Op, ...]:
    """Leave out views of what no op of the group makes: they are no code anyway."""
    made: dict[int, Op] = {}
    for op in group:
        if op.kind not in VIEWS or op.inputs[0] in made:
            made[op.outputs[0]] = op
    return tuple(made.values())


def _is_chain(group: Collection[Op]) -> bool:
    return sum(op.kind not in VIEWS for op in group) > 1


class _Finder:
    """Looks for groups of ops that can be carried out element by element, from the last op on."""

    def __init__(self, graph: Graph, planned: Plan, target: Target) -> None:
        self.graph, self.steps = graph, planned.steps
        self._readers = graph.consumers()
        self._makers = {key: i for i, op in enumerate(graph.ops) for key in op.outputs}
        self._shared = copies.assign(graph, planned.steps, target.mode)
        self._small = target.mode == "size"
        portable = target.core.kernels == ("portable",)
        self._most_load = _MOST_LOAD_PORTABLE if portable else _MOST_LOAD

    def groups(self) -> list[tuple[Op, ...]]:
        """Return the ops of each chain in order, the chains from the last to the first."""
        found: list[tuple[Op, ...]] = []
        taken: set[int] = set()
        for end in reversed(range(len(self.steps))):
            if end in taken or self.graph.ops[end].kind in VIEWS or not self._fits(end):
                continue
            grown = self._grown(end, taken)
            group = _without_loose_views(self.graph.ops[i] for i in sorted(grown))
            if _is_chain(group):
                taken |= grown
                found.append(group)
        return found

    def runs(self, group: tuple[Op, ...]) -> list[tuple[Op, ...]]:
        """Return smaller groups of the same ops, without other ops between those of one."""
        inside = {self._makers[op.outputs[0]] for op in group}
        starts = [i for i in sorted(inside) if i - 1 not in inside]
        ends = [i for i in sorted(inside) if i + 1 not in inside]
        everything = frozenset(range(len(self.steps)))
        found = []
        for start, end in zip(starts, ends, strict=True):
            if self.graph.ops[end].kind not in VIEWS:
                grown = self._grown(end, everything.difference(range(start, end + 1)))
                found.append(_without_loose_views(self.graph.ops[i] for i in sorted(grown)))
        return list(filter(_is_chain, found))

    def _grown(self, end: int, taken: Collection[int]) -> set[int]:
        """Return the positions of the ops that can be carried out with the one at `end`."""
        group = {end}
        while True:
            more = sorted(self._before(group, end) - set(taken), reverse=True)
            nearest = next((i for i in more if self._room(group, i)), None)
            if nearest is None:
                break
            group.add(nearest)
        return group

    def _before(self, group: set[int], end: int) -> set[int]:
        """Return the ops whose results only `group` reads, alike in number and type of elements."""
        found = set()
        for key in {key for i in group for key in self.graph.ops[i].inputs if key is not None}:
            maker = self._makers.get(key)
            if maker is None or maker in group or key in self.graph.outputs:
                continue
            inside = {self.graph.ops[i].outputs for i in group}
            alone = all(reader.outputs in inside for reader in self._readers[key])
            if alone and self._fits(maker) and self._alike(maker, end):
                found.add(maker)
        return found

    def _fits(self, position: int) -> bool:
        """Whether an op can be part of a chain."""
        op, kernel = self.steps[position].op, self.steps[position].kernel
        read = [self.graph.tensors[key] for key in op.inputs if key is not None]
        result = self.graph.tensors[op.outputs[0]]
        if any(tensor.state for tensor in (*read, result)):
            return False
        if op.kind in VIEWS:
            return self.steps[position].lowering.view
        if kernel.element is None or (self._small and self._is_shared(position)):
            return False
        computed = [tensor for tensor in read if tensor.data is None or tensor.size > 1]
        return all((t.size, t.dtype) == (result.size, result.dtype) for t in computed)

    def _is_shared(self, position: int) -> bool:
        """Whether the op's code serves other ops as well."""
        return any(copies.key(call) in self._shared for call in self.steps[position].lowering.calls)

    def _alike(self, position: int, end: int) -> bool:
        tensors = self.graph.tensors
        a, b = (tensors[self.graph.ops[i].outputs[0]] for i in (position, end))
        return (a.size, a.dtype) == (b.size, b.dtype)

    def _room(self, group: Collection[int], position: int) -> bool:
        """Whether there are registers for what the op at `position` needs beside `group`."""
        return sum(map(self._load, (*group, position))) <= self._most_load

    def _load(self, position: int) -> int:
        op, element = self.graph.ops[position], self.steps[position].kernel.element
        table = element is None or element(self.graph, op).struct == ""
        return 0 if table else _LOADS[op.kind]


def _applied(
    graph: Graph,
    planned: Plan,
    groups: Collection[tuple[Op, ...]],
    target: Target,
    node_limit: int,
) -> tuple[Graph, Plan]:
    """Return the graph with each group as one op, and a plan."""
    chains = {body[-1].outputs: _chain_op(body) for body in groups}
    gone = {op.outputs for body in groups for op in body[:-1]}
    steps = [s for s in planned.steps if s.op.outputs not in gone]
    ops = [chains.get(s.op.outputs, s.op) for s in steps]
    graph = dataclasses.replace(graph, ops=ops)
    graph.verify()
    made = [
        # a state is read later than it was, perhaps: its reader is no view then
        step(graph, op, target) if op.kind in ("chain", "read_variable") else old
        for op, old in zip(ops, steps, strict=True)
    ]
    return graph, plan(graph, made, node_limit)


def _chain_op(body: tuple[Op, ...]) -> Op:
    made = {op.outputs[0] for op in body}
    read = dict.fromkeys(key for op in body for key in _operands(op) if key not in made)
    return Op("chain", tuple(read), body[-1].outputs, Chain(body), body[-1].index)


def _operands(op: Op) -> list[int]:
    return [key for key in op.inputs if key is not None]
