"""Where blocks of memory lie, given when they are alive: an exact solver for small problems.

Two blocks alive at the same step must not overlap, with one exception: an op may allow its output
to share memory with an input that dies there (`Overlap`). Each pair in conflict then has a least
distance for either order, and a layout is an order of the blocks: placing each as low as the
distances to those below it allow, in ascending order of offset, reaches an optimal layout for some
order. The solver searches these orders by branch and bound, cut off by a lower bound that holds
for every layout. Blocks that may share only their start are tried both tied together and apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ALIGN = 4  # bytes; every kernel may load words from the start of a block

_EXACT_BLOCKS = 60  # beyond, the search would rarely end
NODES = 20_000  # visited by the search in all, about a second


@dataclass(frozen=True)
class Block:
    """Memory needed from step `first` to step `last`, both included."""

    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Overlap:
    """`upper` may begin at or above `lower`'s start + `distance` bytes though both are alive.

    With `exact`, only if they begin at the same offset. `upper` is the op's input, or its output
    when the op runs backwards.
    """

    upper: int
    lower: int
    distance: int = 0
    exact: bool = False


@dataclass(frozen=True)
class Layout:
    """The result: offsets in bytes, one per block."""

    offsets: tuple[int, ...]
    bytes: int
    lower_bound: int  # no layout needs less
    optimal: bool  # the bound is reached, or the search was exhaustive


def align(size: int) -> int:
    """Round `size` up to the alignment."""
    return -(-size // ALIGN) * ALIGN


def saving(upper: int, lower: int, distance: int) -> int:
    """Return the most bytes that blocks of these sizes can share at `distance` or more."""
    return max(0, min(upper, lower - distance))


def lower_bound(blocks: Sequence[Block], overlaps: Sequence[Overlap]) -> int:
    """Return the least memory any layout needs.

    At each step, the blocks alive cover at least the sum of their sizes less what each allowed
    overlap can share at most (Bonferroni's inequality), and at least the inputs or outputs alone.
    """
    best = 0
    for step in {block.first for block in blocks} | {block.last for block in blocks}:
        alive = {i for i, block in enumerate(blocks) if block.first <= step <= block.last}
        allowed = [pair for pair in overlaps if pair.upper in alive and pair.lower in alive]
        total = sum(align(blocks[i].bytes) for i in alive)
        shared = sum(
            saving(align(blocks[p.upper].bytes), align(blocks[p.lower].bytes), align(p.distance))
            for p in allowed
        )
        best = max(best, total - shared)
        for side in ({p.upper for p in allowed}, {p.lower for p in allowed}):
            best = max(best, total - sum(align(blocks[i].bytes) for i in side))
    return best


def solve(
    blocks: Sequence[Block], overlaps: Sequence[Overlap] = (), node_limit: int = NODES
) -> Layout:
    """Return the best layout found, with a proof of how far from optimal it can be.

    Parameters
    ----------
    blocks : sequence of Block
    overlaps : sequence of Overlap
        At most one per pair; `upper` and `lower` share exactly one step.
    node_limit : int
        Nodes that the search may visit before it settles for the best so far.
    """
    bound = lower_bound(blocks, overlaps)
    loose = [pair for pair in overlaps if not pair.exact]
    exact = [pair for pair in overlaps if pair.exact]
    best: list[int] | None = None
    best_bytes = 0
    exhausted = len(blocks) <= _EXACT_BLOCKS
    for tied in _subsets(exact):
        if best is not None and (best_bytes == bound or node_limit <= 0):
            exhausted &= node_limit > 0
            break
        if node_limit <= 0:
            tied = []  # every larger set contradicted itself, and there are 2**n
        node_limit -= 1 + len(blocks) // 8  # the bound and the problem take time as well
        if best is not None and lower_bound(blocks, [*loose, *tied]) >= best_bytes:
            continue
        problem = _Problem.of(blocks, loose, tied)
        if problem is None:  # these ties contradict each other
            continue
        search = _Search(problem, bound, node_limit if len(blocks) <= _EXACT_BLOCKS else 0)
        search.run(best_bytes if best is not None else None)
        node_limit -= search.visited
        exhausted &= search.finished
        if search.offsets is not None:
            best = [search.offsets[group] for group in problem.group_of]
            best_bytes = search.best
    assert best is not None  # with no ties at all, stacking the blocks is always possible
    return Layout(tuple(best), best_bytes, bound, best_bytes == bound or exhausted)


def _subsets(pairs: list[Overlap]) -> Iterator[list[Overlap]]:
    """Yield all subsets, largest first: ties nearly always pay."""
    for count in range(len(pairs), -1, -1):
        for chosen in itertools.combinations(pairs, count):
            yield list(chosen)


@dataclass(frozen=True)
class _Problem:
    """Groups of blocks that share their start, and the least distances between groups."""

    group_of: list[int]  # by block
    bytes: list[int]  # by group
    above: list[list[int | None]]  # [u][v]: least offset of u less that of v if u is above v
    steps: list[dict[int, int]]  # bytes of each group alive, for each step that matters

    @staticmethod
    def of(blocks: Sequence[Block], loose: list[Overlap], tied: list[Overlap]) -> _Problem | None:
        """Return the problem, or None when blocks tied together conflict."""
        group_of = list(range(len(blocks)))
        for pair in tied:
            old, new = group_of[pair.upper], group_of[pair.lower]
            group_of = [new if group == old else group for group in group_of]
        names = {group: i for i, group in enumerate(dict.fromkeys(group_of))}
        group_of = [names[group] for group in group_of]

        sizes = [0] * len(names)
        for block, group in zip(blocks, group_of, strict=True):
            sizes[group] = max(sizes[group], align(block.bytes))
        allowed = {(pair.upper, pair.lower): align(pair.distance) for pair in loose}
        ties = {(pair.upper, pair.lower) for pair in tied}
        above: list[list[int | None]] = [[None] * len(names) for _ in names]
        for i, j in itertools.permutations(range(len(blocks)), 2):
            if blocks[i].first > blocks[j].last or blocks[j].first > blocks[i].last:
                continue
            u, v = group_of[i], group_of[j]
            if u == v:
                if (i, j) not in ties and (j, i) not in ties:
                    return None
                continue
            least = min(allowed.get((i, j), align(blocks[j].bytes)), align(blocks[j].bytes))
            above[u][v] = max(above[u][v] or 0, least)
        steps: list[dict[int, int]] = []
        for step in sorted({block.first for block in blocks}):
            alive: dict[int, int] = {}
            for block, group in zip(blocks, group_of, strict=True):
                if block.first <= step <= block.last:
                    alive[group] = max(alive.get(group, 0), align(block.bytes))
            steps.append(alive)
        return _Problem(group_of, sizes, above, steps)

    def first_fit(self, order: Sequence[int]) -> list[int]:
        """Place the groups in `order`, each at the lowest offset that fits those before it."""
        offsets: dict[int, int] = {}
        for u in order:
            taken = []  # where u may not begin: the open intervals around those placed
            for v, at in offsets.items():
                above, below = self.above[u][v], self.above[v][u]
                if above is not None and below is not None and above + below > 0:
                    taken.append((at - below, at + above))
            offset = 0
            for low, high in sorted(taken):
                if low < offset < high:
                    offset = high
                elif offset <= low:
                    break  # and all others begin above it
            offsets[u] = offset
        return [offsets[u] for u in range(len(self.bytes))]

    def total(self, offsets: Sequence[int]) -> int:
        """Return the memory that a layout needs."""
        return max((at + size for at, size in zip(offsets, self.bytes, strict=True)), default=0)


class _Search:
    """Branch and bound over the orders of one problem's groups."""

    def __init__(self, problem: _Problem, bound: int, node_limit: int) -> None:
        self.problem = problem
        self.bound = bound
        self.node_limit = node_limit
        self.visited = 0
        self.finished = False
        self.offsets: list[int] | None = None  # of the best layout, if better than asked for
        self.best = 0

    def run(self, incumbent: int | None) -> None:
        """Search for a layout that needs less than `incumbent` bytes, or for any."""
        self.best = incumbent if incumbent is not None else sum(self.problem.bytes) + 1
        for order in self._orders():
            offsets = self.problem.first_fit(order)
            total = self.problem.total(offsets)
            if total < self.best:
                self.best, self.offsets = total, offsets
        if self.best > self.bound:
            count = len(self.problem.bytes)
            self.finished = self._descend({}, [0] * count, None)
        else:
            self.finished = True

    def _orders(self) -> Iterator[list[int]]:
        """Yield orders in which first fit does well: by size, conflicts, or as the blocks come."""
        sizes, above = self.problem.bytes, self.problem.above
        groups = list(range(len(sizes)))
        crowd = [sum(sizes[v] for v in groups if above[u][v] is not None) for u in groups]
        yield sorted(groups, key=lambda u: (-sizes[u], u))
        yield sorted(groups, key=lambda u: (-(crowd[u] + sizes[u]), -sizes[u], u))
        yield groups
        yield groups[::-1]

    def _descend(self, placed: dict[int, int], lowest: list[int], last: int | None) -> bool:
        """Place one more group, in ascending order of offset; return whether all was searched.

        lowest : the least offset of each group above all those placed.
        last : the group placed before.
        """
        if self.visited >= self.node_limit:
            return False
        self.visited += 1
        sizes, above = self.problem.bytes, self.problem.above
        left = [u for u in range(len(sizes)) if u not in placed]
        if not left:
            self.best = max(at + sizes[u] for u, at in placed.items())
            self.offsets = [placed[u] for u in range(len(sizes))]
            return True
        if any(lowest[u] + sizes[u] >= self.best for u in left) or self._crowded(placed, lowest):
            return True
        complete = True
        for u in sorted(left, key=lambda u: (lowest[u], -sizes[u], u)):
            if last is not None and (
                lowest[u] < placed[last]
                or (lowest[u] == placed[last] and u < last and above[u][last] is None)
            ):
                continue  # the same layout is found with u placed before `last`
            raised = [
                max(low, lowest[u] + (above[v][u] or 0)) if above[v][u] is not None else low
                for v, low in enumerate(lowest)
            ]
            complete &= self._descend({**placed, u: lowest[u]}, raised, u)
            if self.best == self.bound:
                return True
        return complete

    def _crowded(self, placed: dict[int, int], lowest: list[int]) -> bool:
        """Whether the groups still to place at some step cannot end below the best layout."""
        above = self.problem.above
        for sizes in self.problem.steps:
            left = [u for u in sizes if u not in placed]
            if len(left) < 2:
                continue
            shared = 0
            for u, v in itertools.combinations(left, 2):
                for upper, lower in ((u, v), (v, u)):
                    least = above[upper][lower]
                    if least is not None:
                        shared += saving(sizes[upper], sizes[lower], least)
            if min(lowest[u] for u in left) + sum(sizes[u] for u in left) - shared >= self.best:
                return True
        return False
