"""The memory map: which bytes of the arena hold what while each op runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinykit.report import svg

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 300, 64, 12, 46


@dataclass(frozen=True)
class _Box:
    """Bytes `low` to `high` of the arena from column `left` to column `right`."""

    name: str
    left: float
    right: float
    low: int
    high: int
    scratch: bool = False


def draw(
    tensors: Sequence[Mapping[str, Any]], ops: Sequence[Mapping[str, Any]], lower_bound: int = 0
) -> str:
    """Draw each tensor as a box: ops from left to right, addresses upwards.

    A dashed line marks `lower_bound`, in bytes, which no plan for these ops and kernels can be
    below; 0 draws none.

    `op_first` is -1 for an input of the model and `op_last` is len(ops) for an output; both get a
    column of their own. Where an op writes over its input, one box ends and the next begins in the
    middle of the op's column.
    """
    boxes = _boxes(tensors) + _scratch(ops)
    columns = len(ops) + 2
    top = max((box.high for box in boxes), default=1)
    marks = svg.ticks(0, top, 5)
    high = max(marks[-1], top)
    inner, depth = WIDTH - LEFT - 8, HEIGHT - TOP - BOTTOM

    def x(column: float) -> float:
        return LEFT + inner * (column + 1) / columns

    def y(address: float) -> float:
        return TOP + depth * (1 - address / high)

    parts = []
    for mark in marks:
        parts.append(svg.line(LEFT, y(mark), WIDTH - 8, y(mark)))
        parts.append(
            svg.text(LEFT - 6, y(mark) + 4, f"{mark:,.0f}", text_anchor="end", fill=svg.MUTED)
        )
    for number, box in enumerate(boxes):
        tint = "#d8dee5" if box.scratch else svg.TINTS[number % len(svg.TINTS)]
        parts += _draw(box, tint, x(box.left), x(box.right), y(box.high), y(box.low))
    if lower_bound:
        parts.append(
            svg.line(
                LEFT,
                y(lower_bound),
                WIDTH - 8,
                y(lower_bound),
                stroke=svg.INK,
                stroke_dasharray="6 4",
            )
        )
    parts += [_column_name(x(i + 0.5), name) for i, name in _columns(len(ops))]
    parts.append(svg.text(LEFT, HEIGHT - 6, "bytes by op, in order of execution", fill=svg.MUTED))
    return svg.drawing(WIDTH, HEIGHT, "Memory map of the arena over the ops", parts)


def _boxes(tensors: Sequence[Mapping[str, Any]]) -> list[_Box]:
    boxes = []
    for one in tensors:
        low, high = one["offset"], one["offset"] + one["bytes"]
        shared = [
            other
            for other in tensors
            if low < other["offset"] + other["bytes"] and other["offset"] < high
        ]
        begins = any(other["op_last"] == one["op_first"] for other in shared if other is not one)
        ends = any(other["op_first"] == one["op_last"] for other in shared if other is not one)
        left = one["op_first"] + 0.5 * begins
        right = one["op_last"] + (0.5 if ends else 1.0)
        boxes.append(_Box(one["name"], left, right, low, high))
    return boxes


def _scratch(ops: Sequence[Mapping[str, Any]]) -> list[_Box]:
    return [
        _Box(
            f"scratch of op {op['index']}",
            column,
            column + 1,
            op["scratch_offset"],
            op["scratch_offset"] + op["scratch_bytes"],
            scratch=True,
        )
        for column, op in enumerate(ops)
        if op["scratch_bytes"] and op.get("scratch_offset") is not None
    ]


def _draw(box: _Box, tint: str, left: float, right: float, upper: float, lower: float) -> list[str]:
    size = f"{box.high - box.low:,}"
    drawn = svg.rectangle(
        left + 0.5,
        upper + 0.5,
        max(right - left - 1, 0.8),
        max(lower - upper - 1, 0.8),
        tip=f"{box.name}: {size} B at {box.low:,}",
        fill=tint,
        stroke=svg.INK,
        stroke_width=0.5,
    )
    if right - left < 7 * len(size) or lower - upper < 13:
        return [drawn]
    middle = (left + right) / 2, (upper + lower) / 2 + 4
    return [drawn, svg.text(*middle, size, text_anchor="middle", font_size=11)]


def _columns(ops: int) -> list[tuple[int, str]]:
    """Return the positions to name; all of them while they are few."""
    step = max(1, -(-ops // 24))
    named = [(op, str(op)) for op in range(0, ops, step)]
    return [(-1, "in"), *named, (ops, "out")]


def _column_name(x: float, name: str) -> str:
    return svg.text(x, HEIGHT - BOTTOM + 16, name, text_anchor="middle", fill=svg.MUTED)
