"""The detection error trade-off: misses against false accepts per hour, over all thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinykit.report import svg

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 56.0, WIDTH - 16.0, 20.0, HEIGHT - 44.0
DECADES = (-2, 3)
"""Powers of ten of false accepts per hour; what has none stands at the left edge."""


def draw(curve: Sequence[Sequence[float]], operating: Sequence[dict[str, Any]]) -> str:
    """Draw the curve of (false accepts per hour, false reject rate), with chosen points.

    Points have `limit_per_hour`, `rate`, `low` and `high`, as `evaluate.operating` gives them.
    """
    parts = [*_grid()]
    parts.append(svg.polyline(_steps(curve), stroke=svg.BLUE))
    for place, point in enumerate(operating):
        x = _x(point["limit_per_hour"])
        parts.append(svg.line(x, _y(point["low"]), x, _y(point["high"]), stroke=svg.ORANGE))
        parts.append(svg.element("circle", cx=x, cy=_y(point["rate"]), r=4, fill=svg.ORANGE))
        label = f"{point['rate']:.1%} at {point['limit_per_hour']:g}/h"
        below = 14 * place  # two limits that are close may have one rate
        parts.append(svg.text(x + 8, _y(point["rate"]) - 6 + below, label, fill=svg.ORANGE))
    return svg.drawing(WIDTH, HEIGHT, "Misses against false accepts per hour", parts)


def _steps(curve: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """The best rate at each limit: it falls as more false accepts are allowed."""
    points: list[tuple[float, float]] = []
    least = 1.0
    for false_accepts, rate in sorted((float(x), float(y)) for x, y in curve):
        if rate <= least:
            points += [(_x(false_accepts), _y(least)), (_x(false_accepts), _y(rate))]
            least = rate
    return [*points, (RIGHT, _y(least))]


def _grid() -> list[str]:
    parts = []
    for power in range(DECADES[0], DECADES[1] + 1):
        x = _x(10.0**power)
        parts.append(svg.line(x, TOP, x, BOTTOM))
        label = f"{10.0**power:g}"
        parts.append(svg.text(x, BOTTOM + 16, label, text_anchor="middle", fill=svg.MUTED))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(svg.line(LEFT, _y(share), RIGHT, _y(share)))
        parts.append(
            svg.text(LEFT - 6, _y(share) + 4, f"{share:.0%}", text_anchor="end", fill=svg.MUTED)
        )
    title = "false accepts per hour"
    parts.append(svg.text(RIGHT, HEIGHT - 6, title, text_anchor="end", fill=svg.MUTED))
    parts.append(svg.text(LEFT, 12, "missed", fill=svg.MUTED))
    return parts


def _x(per_hour: float) -> float:
    low, high = DECADES
    power = math.log10(per_hour) if per_hour > 0 else low
    return LEFT + (RIGHT - LEFT) * (min(max(power, low), high) - low) / (high - low)


def _y(rate: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * rate
