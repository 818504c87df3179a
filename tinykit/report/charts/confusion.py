"""The confusion matrix: rows are what was said, columns what the model heard."""

from __future__ import annotations

from collections.abc import Sequence

from tinykit.report import svg

CELL, TOP = 44, 74


def draw(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Draw counts[i][j], the clips of class i taken for class j, each row shaded by its share."""
    left = 24 + 7.5 * max(map(len, labels))
    parts = []
    for index, label in enumerate(labels):
        middle = left + (index + 0.5) * CELL
        parts.append(
            svg.text(middle, TOP - 8, label, transform=f"rotate(-45 {middle:.0f} {TOP - 8})")
        )
        parts.append(svg.text(left - 8, TOP + (index + 0.62) * CELL, label, text_anchor="end"))
    for row, values in enumerate(counts):
        total = max(sum(values), 1)
        for column, count in enumerate(values):
            parts += _cell(left, row, column, count, count / total, labels)
    width = left + CELL * len(labels) + 50
    return svg.drawing(width, TOP + CELL * len(labels) + 4, "Confusion matrix", parts)


def _cell(
    left: float, row: int, column: int, count: int, share: float, labels: Sequence[str]
) -> list[str]:
    x, y = left + column * CELL, TOP + row * CELL
    tip = f"{labels[row]} taken for {labels[column]}: {count} ({share:.0%})"
    fill = _shade(share, svg.BLUE if row == column else svg.ORANGE)
    parts = [svg.rectangle(x + 1, y + 1, CELL - 2, CELL - 2, tip=tip, fill=fill, rx=3)]
    if count:
        ink = svg.PAPER if share > 0.55 else svg.INK
        middle, base = x + CELL / 2, y + CELL * 0.6
        parts.append(svg.text(middle, base, count, text_anchor="middle", fill=ink))
    return parts


def _shade(share: float, colour: str) -> str:
    """Mix `colour` with a near-white by `share`; the root makes rare mistakes visible."""
    strength = share**0.6
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    mixed = [round(246 + (channel - 246) * strength) for channel in channels]
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
