"""The training curve: accuracy and loss over epochs, training and validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinykit.report import svg

WIDTH, HEIGHT, LEFT, GAP = 360, 230, 44, 28


def draw(epochs: Sequence[Mapping[str, Any]], best_epoch: int) -> str:
    """Draw a panel for each figure that is known, side by side.

    `best_epoch` (from 0) is the one whose weights were kept.
    """
    panels = [
        (title, f"validation_{title}")
        for title in ("accuracy", "loss")
        if epochs and title in epochs[0]
    ]
    parts = []
    for number, (title, validation) in enumerate(panels):
        lines = {
            "training": [float(epoch[title]) for epoch in epochs],
            "validation": [float(epoch[validation]) for epoch in epochs],
        }
        parts += _panel(number * (WIDTH + GAP), title, lines, best_epoch)
    titles = " and ".join(title for title, _ in panels).capitalize()
    return svg.drawing(
        len(panels) * (WIDTH + GAP) - GAP, HEIGHT, f"{titles} over the epochs", parts
    )


def _panel(left: float, title: str, lines: Mapping[str, list[float]], best: int) -> list[str]:
    values = [value for line in lines.values() for value in line]
    marks = svg.ticks(min(values), max(values), 4)
    if title == "accuracy":
        marks = [mark for mark in marks if mark <= 1.0]
    low, high = marks[0], max(marks[-1], *values)
    count = max(map(len, lines.values()))
    x0, x1, y0, y1 = left + LEFT, left + WIDTH - 10, HEIGHT - 40.0, 30.0

    def x(epoch: float) -> float:
        return x0 + (x1 - x0) * (epoch / max(count - 1, 1))

    def y(value: float) -> float:
        return y0 - (y0 - y1) * (value - low) / max(high - low, 1e-9)

    parts = [svg.text(left + LEFT, 16, title, font_weight=600)]
    for mark in marks:
        label = f"{mark:.0%}" if title == "accuracy" else f"{mark:g}"
        parts.append(svg.line(x0, y(mark), x1, y(mark)))
        parts.append(svg.text(x0 - 6, y(mark) + 4, label, text_anchor="end", fill=svg.MUTED))
    step = max(1, round(count / 6))
    for epoch in range(0, count, step):
        parts.append(svg.text(x(epoch), y0 + 16, epoch + 1, text_anchor="middle", fill=svg.MUTED))
    parts.append(svg.text(x1, HEIGHT - 6, "epoch", text_anchor="end", fill=svg.MUTED))
    parts.append(svg.line(x(best), y1, x(best), y0, stroke=svg.MUTED, stroke_dasharray="3 3"))
    colours = {"training": svg.ORANGE, "validation": svg.BLUE}
    for position, (name, line) in enumerate(lines.items()):
        points = [(x(epoch), y(value)) for epoch, value in enumerate(line)]
        parts.append(svg.polyline(points, stroke=colours[name]))
        parts.append(
            svg.element("circle", cx=points[-1][0], cy=points[-1][1], r=2.5, fill=colours[name])
        )
        parts.append(
            svg.text(x1 - 130 + 68 * position, 16, name, fill=colours[name], font_weight=600)
        )
    return parts
