"""What each op costs: one bar an op."""

from __future__ import annotations

from collections.abc import Sequence

from tinykit.report import svg

WIDTH, ROW, LEFT, RIGHT = 760, 22, 210, 130


def draw(names: Sequence[str], costs: Sequence[float], unit: str) -> str:
    """Draw `costs` in `unit` as horizontal bars with their share of the whole."""
    most, total = max([*costs, 1]), max(sum(costs), 1)
    parts = []
    for number, (name, cost) in enumerate(zip(names, costs, strict=True)):
        y = number * ROW
        length = (WIDTH - LEFT - RIGHT) * cost / most
        parts.append(svg.text(LEFT - 8, y + 15, name, text_anchor="end"))
        parts.append(
            svg.rectangle(
                LEFT, y + 4, max(length, 0.5), ROW - 8, tip=f"{name}", fill=svg.BLUE, rx=2
            )
        )
        label = f"{cost:,.0f}  ({cost / total:.1%})"
        parts.append(svg.text(LEFT + length + 6, y + 15, label, fill=svg.MUTED))
    return svg.drawing(WIDTH, ROW * len(names) + 4, f"Cost of each op in {unit}", parts)
