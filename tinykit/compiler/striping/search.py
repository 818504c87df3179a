"""The choice: stripes where the arena is fullest, as long as they make it smaller."""

from __future__ import annotations

from typing import Literal

from tinykit.compiler.ir import Graph
from tinykit.compiler.lower import Target, kernels
from tinykit.compiler.plan import Plan, Step, plan, schedule, step
from tinykit.compiler.striping.candidates import Candidate, candidates

Striping = Literal["auto", "off", "most"]
STRIPES: tuple[Striping, ...] = ("auto", "off", "most")

_LOWERED, _PLANNED = 24, 4  # candidates looked at closely, for each op that needs the most
_ROUNDS = 4  # chains striped at most
_MOST_LOOSE = 0.25  # of an op's pixels: networks over time alone have one column
_LEAST_SHARE, _LEAST_PER_OP = (
    0.15,
    200,
)  # of the arena, and bytes: what an op in a loop costs in code


def stripe(graph: Graph, target: Target, wanted: Striping) -> tuple[Graph, Plan]:
    """Return the graph with chains striped where that lowers its peak, and its plan.

    Parameters
    ----------
    graph : Graph
        After all passes.
    wanted : {"auto", "off", "most"}
        "auto": none when the target's mode is speed; else where the arena loses 15 %, and 200 B
        for each op that is striped, and no op gets another kernel for it or works on single pixels
        where it could take four. That holds for what is striped after other chains, too: it must
        save so much again. "most": wherever a byte is saved.
    """
    best = current = graph, plan(graph, schedule(graph, target))
    if wanted == "off" or (wanted == "auto" and target.mode == "speed"):
        return best
    for _ in range(_ROUNDS):
        found = _improved(*current, target, wanted)
        if found is None:
            break
        current = found
        if found[1].total_bytes < best[1].total_bytes and (
            wanted == "most" or _pays(*best, *found)
        ):
            best = found
    return best


def _pays(graph: Graph, planned: Plan, striped: Graph, smaller: Plan) -> bool:
    """Whether the RAM saved is worth the code that it takes, and the speed."""
    saved = planned.total_bytes - smaller.total_bytes
    chained = len(graph.ops) - len(striped.ops)
    return saved >= max(_LEAST_SHARE * planned.total_bytes, _LEAST_PER_OP * chained)


def _improved(
    graph: Graph, planned: Plan, target: Target, wanted: Striping
) -> tuple[Graph, Plan] | None:
    """Return the graph with the fullest op striped, if it then needs less than it does now."""
    live = planned.live_bytes()
    if not live:
        return None
    position = max(range(len(live)), key=lambda i: live[i])
    found = [one for one in candidates(graph, planned, position) if one.bytes < live[position]]
    if wanted == "auto":
        found = [one for one in found if one.loose <= _MOST_LOOSE]
    found.sort(key=lambda one: (_total(one, live), one.stripes, one.last - one.first))
    best: tuple[Graph, Plan] | None = None
    planned_now = 0
    for candidate in found[:_LOWERED]:
        changed = candidate.apply(graph)
        new = step(changed, changed.ops[candidate.first], target)
        if wanted == "auto" and not _as_fast(planned, candidate, new):
            continue
        before, after = planned.steps[: candidate.first], planned.steps[candidate.last + 1 :]
        made = plan(changed, (*before, new, *after))
        now = made.live_bytes()[candidate.first]
        if now < live[position] and (best is None or made.total_bytes < best[1].total_bytes):
            best = changed, made
        planned_now += 1
        if planned_now == _PLANNED:
            break
    return best


def _total(candidate: Candidate, live: list[int]) -> int:
    """Return about what the arena needs with a candidate: itself, or what the fullest op needs."""
    others = [size for i, size in enumerate(live) if not candidate.first <= i <= candidate.last]
    return max([candidate.bytes, *others])


def _as_fast(planned: Plan, candidate: Candidate, striped: Step) -> bool:
    """Whether stripes use the kernels that the whole ops use, no others, and each in one way."""
    if striped.kernel.uneven:
        return False
    whole = planned.steps[candidate.first : candidate.last + 1]
    used = {s.kernel.name for s in whole}
    other = {part for part in striped.kernel.parts if part.name not in used}
    # a layer over the whole image becomes sums, which is another kind of op
    return not any(part in kernels(s.op.kind) for part in other for s in whole)
