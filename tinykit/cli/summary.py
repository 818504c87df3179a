"""The short table at the end of a run."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tinykit.report import Document

_STYLE = {"good": "green", "bad": "red", "open": "yellow"}


def table(document: Document) -> list[RenderableType]:
    """Return the figures with their verdicts, then what matters in a sentence each."""
    figures = Table(box=None, pad_edge=False, show_header=False)
    figures.add_column()
    figures.add_column(justify="right", no_wrap=True)
    figures.add_column()
    for figure in document.figures:
        if figure.value is not None:
            style = "red" if figure.over else ""
            figures.add_row(figure.label, Text(figure.text, style), Text(figure.note, style))
    verdicts = [Text(verdict.text, _STYLE[verdict.state]) for verdict in document.verdicts]
    return ["", figures, "", *verdicts]
