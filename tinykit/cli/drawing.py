"""What the engine does, drawn on stderr: a bar for the stage at work, then a line for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from tinykit.progress import Progress

if TYPE_CHECKING:
    from tinykit.pipeline.stage import Stage


class Drawing:
    """An engine's observer that draws; remembers which stages ran and which were kept."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None, visible=False, figures="")
        self.ran: dict[str, float] = {}
        self.kept_stages: dict[str, str] = {}

    def started(self, stage: Stage, why: str) -> Progress:
        """Show the stage at work."""
        if not self._bars.console.is_terminal:
            self._line(stage.name, f"... ({why})")
        return self.progress(stage.name)

    def finished(self, stage: Stage, seconds: float) -> None:
        """Leave a line behind."""
        self.ran[stage.name] = round(seconds, 3)
        self._hide()
        self._line(stage.name, f"{seconds:.1f} s", "green")

    def kept(self, stage: Stage, why: str) -> None:
        """Leave a line behind."""
        self.kept_stages[stage.name] = why
        self._line(stage.name, why)

    def progress(self, name: str) -> Progress:
        """Return the callback of some long work called `name`."""

        def report(what: str, done: int, total: int, **figures: float) -> None:
            label = name if what == name else f"{name}: {what}"
            self._bars.update(
                self._task,
                description=label,
                completed=done,
                total=total,
                visible=True,
                figures="  ".join(f"{key} {value:.3g}" for key, value in figures.items()),
            )

        return report

    def _hide(self) -> None:
        self._bars.update(self._task, visible=False, completed=0, total=None, figures="")

    def _line(self, name: str, said: str, style: str = "") -> None:
        self._bars.console.print(Text.assemble((f"{name:<10}", style), f" {said}"))


@contextmanager
def drawing() -> Iterator[Drawing]:
    """Draw for the length of the block."""
    console = Console(stderr=True, highlight=False)
    bars = Bars(
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=14),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[figures]}"),
        console=console,
        transient=True,
    )
    with bars:
        yield Drawing(bars)
