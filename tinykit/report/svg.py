"""Drawing: SVG elements as strings, scales and ticks. Charts are inline: the page is one file."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

INK, MUTED, GRID = "#1b2733", "#5b6b7a", "#e3e8ee"
BLUE, ORANGE, GREEN, RED, PAPER = "#2367a8", "#c2590c", "#2e7d4f", "#b3261e", "#ffffff"
TINTS = ("#9ec5e8", "#f3c08a", "#a9d5b5", "#c9b8e4", "#e9b3b0", "#bcc9d6")
"""Fills for neighbouring areas with dark text on them."""


def element(tag: str, content: str = "", /, **attributes: object) -> str:
    """Return `<tag ...>content</tag>`; underscores in names become hyphens, `class_` is class."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def text(x: float, y: float, content: object, /, **attributes: object) -> str:
    """Return text whose baseline begins at (x, y)."""
    settings: dict[str, object] = {"font_size": 12, "fill": INK} | attributes
    return element("text", escape(str(content)), x=x, y=y, **settings)


def rectangle(
    x: float, y: float, width: float, height: float, /, tip: str = "", **attributes: object
) -> str:
    """Return a rectangle; `tip` is shown when the mouse rests on it."""
    inside = element("title", escape(tip)) if tip else ""
    return element("rect", inside, x=x, y=y, width=width, height=height, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, /, **attributes: object) -> str:
    """Return a straight line, thin and grey unless told otherwise."""
    settings: dict[str, object] = {"stroke": GRID, "stroke_width": 1} | attributes
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **settings)


def polyline(points: Iterable[tuple[float, float]], /, **attributes: object) -> str:
    """Return a line through `points`."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    settings: dict[str, object] = {"fill": "none", "stroke_width": 2} | attributes
    return element("polyline", points=path, **settings)


def drawing(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """Return the whole picture; `title` is what a screen reader says."""
    return element(
        "svg",
        element("title", escape(title)) + "".join(parts),
        viewBox=f"0 0 {width:g} {height:g}",
        style=f"max-width:{width:g}px",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
        font_family="inherit",
    )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`, about so many; the last is at least `high`."""
    span = max(high - low, 1e-9)
    power = 10 ** math.floor(math.log10(span / about))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
