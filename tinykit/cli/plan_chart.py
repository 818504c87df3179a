"""The memory plan as a chart of characters: a line for each op, addresses from left to right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WIDTH = 48  # characters that stand for the whole array
_NAME = 30
_TENSORS, _SCRATCH, _FREE = "█▓", "░", "·"


def lines(plan: Mapping[str, Any]) -> list[str]:
    """Return the chart of `plan.json`.

    A line for each op shows what is in memory while it runs: tensors in two shades, so that
    neighbours can be told apart, scratch, free bytes, and how many are used. A character stands for
    the bytes from where it begins on; what is smaller than one shows where nothing else does.
    """
    total = plan["arena_bytes"] + plan["scratch_bytes"]
    if not total or not plan["ops"]:
        return []
    drawn = [_line(plan, position, total) for position in range(len(plan["ops"]))]
    return [*drawn, *_caption(plan, total)]


def _line(plan: Mapping[str, Any], position: int, total: int) -> str:
    op = plan["ops"][position]
    cells = [_FREE] * _WIDTH
    alive = [
        (tensor["offset"], tensor["bytes"], _TENSORS[number % len(_TENSORS)])
        for number, tensor in enumerate(plan["tensors"])
        if tensor["op_first"] <= position <= tensor["op_last"]
    ]
    if op["scratch_bytes"]:
        alive.append((op["scratch_offset"], op["scratch_bytes"], _SCRATCH))
    for offset, size, shade in sorted(alive, key=lambda one: -one[1]):  # small ones on top
        first = offset * _WIDTH // total
        end = max(first + 1, (offset + size) * _WIDTH // total)
        cells[first:end] = shade * (end - first)
    name = f"{op['index']:>3} {op['kind']}"[:_NAME]
    return f"{name:<{_NAME}} {''.join(cells)} {op['live_bytes']:>9,} B"


def _caption(plan: Mapping[str, Any], total: int) -> list[str]:
    bound = plan["lower_bound_bytes"]
    reached = (
        "reached" if bound == total else "the search was exhaustive" if plan["optimal"] else ""
    )
    above = f"{total - bound:,} B above it, not proven minimal"
    return [
        f"{_TENSORS[0]} {_TENSORS[1]} tensors, {_SCRATCH} scratch, {_FREE} free; "
        f"arena {total:,} B, lower bound for these kernels {bound:,} B: {reached or above}",
    ]
