"""The memory plan in the terminal: every op, what is in memory, and the bound beside it."""

from __future__ import annotations

from tinykit.cli.plan_chart import lines

PLAN = {
    "arena_bytes": 96,
    "scratch_bytes": 0,
    "lower_bound_bytes": 96,
    "optimal": True,
    "tensors": [
        {"name": "in", "op_first": -1, "op_last": 0, "offset": 0, "bytes": 48},
        {"name": "out", "op_first": 0, "op_last": 2, "offset": 48, "bytes": 48},
    ],
    "ops": [
        {
            "index": 4,
            "kind": "conv2d",
            "scratch_bytes": 0,
            "scratch_offset": None,
            "live_bytes": 96,
        },
        {
            "index": 7,
            "kind": "softmax",
            "scratch_bytes": 24,
            "scratch_offset": 0,
            "live_bytes": 72,
        },
    ],
}


def test_a_line_for_each_op() -> None:
    """Number, kind, what lies where while it runs, and how much that is."""
    first, second, _ = lines(PLAN)
    assert first.split() == ["4", "conv2d", "█" * 24 + "▓" * 24, "96", "B"]
    assert second.split() == ["7", "softmax", "░" * 12 + "·" * 12 + "▓" * 24, "72", "B"]


def test_the_bound_is_named() -> None:
    """Reached, or how far above it the plan is."""
    assert "lower bound for these kernels 96 B: reached" in lines(PLAN)[-1]
    above = {**PLAN, "lower_bound_bytes": 90, "optimal": False}
    assert "6 B above it, not proven minimal" in lines(above)[-1]


def test_what_is_smaller_than_a_character_is_still_seen() -> None:
    """One byte of scratch in an arena of thousands has a character."""
    op = {**PLAN["ops"][1], "scratch_bytes": 1}
    plan = {**PLAN, "arena_bytes": 9600, "ops": [op], "tensors": []}
    assert "░" in lines(plan)[0]


def test_a_model_without_memory_has_no_chart() -> None:
    """A constant model has nothing to show."""
    assert lines({**PLAN, "arena_bytes": 0, "ops": []}) == []
