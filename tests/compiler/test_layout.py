"""The layout solver: never an illegal overlap, never below the bound, optimal when it says so."""

from __future__ import annotations

import itertools

import hypothesis
import hypothesis.strategies as st
import pytest

from tinykit.compiler.layout import ALIGN, Block, Overlap, lower_bound, solve

lengths = st.integers(1, 40)


@st.composite
def problems(draw: st.DrawFn, most: int = 12) -> tuple[list[Block], list[Overlap]]:
    """Blocks, and overlaps between those that meet at one step only."""
    count = draw(st.integers(1, most))
    blocks = []
    for _ in range(count):
        first = draw(st.integers(0, 6))
        blocks.append(Block(draw(lengths), first, first + draw(st.integers(0, 3))))
    overlaps = []
    for i, j in itertools.permutations(range(count), 2):
        meet = blocks[i].last == blocks[j].first
        if meet and blocks[i].first < blocks[i].last < blocks[j].last and draw(st.booleans()):
            exact = draw(st.booleans())
            overlaps.append(Overlap(i, j, 0 if exact else draw(st.integers(0, 44)), exact))
    return blocks, overlaps


def _meet(a: Block, b: Block) -> bool:
    return a.first <= b.last and b.first <= a.last


def _legal(
    blocks: list[Block], overlaps: list[Overlap], offsets: tuple[int, ...], i: int, j: int
) -> bool:
    """Whether blocks i and j may both be where they are."""
    a, b, at, bt = blocks[i], blocks[j], offsets[i], offsets[j]
    if not _meet(a, b) or at + a.bytes <= bt or bt + b.bytes <= at:
        return True
    for pair in overlaps:
        for upper, lower, gap in ((i, j, at - bt), (j, i, bt - at)):
            if (pair.upper, pair.lower) == (upper, lower) and (
                gap == 0 if pair.exact else gap >= pair.distance
            ):
                return True
    return False


@hypothesis.given(problems())
def test_layouts_are_legal(problem: tuple[list[Block], list[Overlap]]) -> None:
    """Blocks alive together are apart, or overlap as an op allows; all are aligned and inside."""
    blocks, overlaps = problem
    layout = solve(blocks, overlaps, node_limit=300)
    for i, j in itertools.combinations(range(len(blocks)), 2):
        assert _legal(blocks, overlaps, layout.offsets, i, j)
    for block, offset in zip(blocks, layout.offsets, strict=True):
        assert offset % ALIGN == 0
        assert 0 <= offset <= offset + block.bytes <= layout.bytes


@hypothesis.given(problems())
def test_the_bound_holds(problem: tuple[list[Block], list[Overlap]]) -> None:
    """No layout is smaller than the lower bound, nor than what is alive at any step alone."""
    blocks, overlaps = problem
    layout = solve(blocks, overlaps, node_limit=300)
    assert layout.lower_bound == lower_bound(blocks, overlaps) <= layout.bytes
    assert layout.bytes >= max(block.bytes for block in blocks)


def _smallest(blocks: list[Block], overlaps: list[Overlap], limit: int) -> int:
    """Return the least memory of any layout, by trying all offsets; `limit` is known to do."""
    best = limit
    offsets: list[int] = []

    def place(i: int, top: int) -> None:
        nonlocal best
        if i == len(blocks):
            best = min(best, top)
            return
        size = -(-blocks[i].bytes // ALIGN) * ALIGN
        for offset in range(0, best - size, ALIGN):
            offsets.append(offset)
            if all(_legal(blocks, overlaps, tuple(offsets), j, i) for j in range(i)):
                place(i + 1, max(top, offset + size))
            offsets.pop()

    place(0, 0)
    return best


@hypothesis.given(problems(most=4))
def test_optimal_means_optimal(problem: tuple[list[Block], list[Overlap]]) -> None:
    """When the solver claims a proof, trying every offset finds nothing smaller."""
    blocks, overlaps = problem
    # multiples of the alignment: the brute force has no other notion of a legal distance
    blocks = [Block(-(-b.bytes // ALIGN) * ALIGN, b.first, b.last) for b in blocks]
    layout = solve(blocks, overlaps)
    assert layout.optimal
    assert layout.bytes == _smallest(blocks, overlaps, layout.bytes)


def test_in_place_halves_the_memory() -> None:
    """A chain of ops that work in place needs one buffer."""
    blocks = [Block(100, i, i + 1) for i in range(5)]
    chain = [Overlap(i, i + 1) for i in range(4)]
    assert solve(blocks).bytes == 200
    assert solve(blocks, chain).bytes == 100


def test_a_distance_puts_the_input_into_the_end_of_the_output() -> None:
    """An op that reads ahead of what it writes: the input begins `distance` into the output."""
    blocks = [Block(40, 0, 1), Block(100, 1, 2)]
    layout = solve(blocks, [Overlap(upper=0, lower=1, distance=72)])
    assert layout.offsets == (72, 0)
    assert layout.bytes == 112


def test_exact_overlaps_share_their_start_only() -> None:
    """Where only equal starts are safe, a scratch buffer cannot push the output down."""
    blocks = [Block(40, 0, 1), Block(40, 1, 2), Block(8, 1, 1)]
    layout = solve(blocks, [Overlap(0, 1, exact=True)])
    assert layout.offsets[0] == layout.offsets[1]
    assert layout.bytes == 48


def test_a_tie_is_given_up_when_apart_is_smaller() -> None:
    """Tying two blocks can cost more than it saves: the solver tries both."""
    blocks = [Block(4, 0, 1), Block(4, 1, 3), Block(40, 0, 0), Block(40, 2, 3)]
    free = solve(blocks, [Overlap(0, 1, exact=True)])
    assert free.optimal
    assert free.bytes == 44


@pytest.mark.parametrize("count", [80, 150])
def test_large_problems_end(count: int) -> None:
    """Beyond the exact search, the best of several heuristics is near the bound."""
    blocks = [Block(17 * (i * i % 23) + 4, i // 2, i // 2 + i % 4) for i in range(count)]
    layout = solve(blocks)
    assert layout.bytes <= 1.3 * layout.lower_bound


def test_many_blocks_alive_at_once() -> None:
    """Where nothing can be shared, the blocks are stacked; hundreds take no minutes."""
    layout = solve([Block(8, i, 400) for i in range(400)])
    assert layout.bytes == layout.lower_bound == 3200


def test_the_search_ends_when_ties_are_hopeless() -> None:
    """Of 2**40 sets of ties, every large one contradicts itself: the search gives up in time."""
    blocks = [Block(8, 0, 1) for _ in range(40)] + [Block(16, 1, 2)]
    overlaps = [Overlap(i, 40, exact=True) for i in range(40)]
    assert solve(blocks, overlaps, node_limit=500).bytes >= 40 * 8


def test_sixty_blocks_are_solved_exactly() -> None:
    """As deep as networks with shortcuts are: a search of bounded length that proves its result."""
    blocks = [Block(64 + 32 * (i % 5), i, i + (3 if i % 4 == 0 else 1)) for i in range(60)]
    layout = solve(blocks)
    assert layout.optimal
    assert layout.bytes == layout.lower_bound
