"""`tinykit models`: which networks there are, and what each costs on a board."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import BoardId, Mode


@command(app, panel="Before you start")
def models(
    board: BoardId = "mps2-an386",
    optimize: Annotated[Mode, typer.Option(help="What matters more.")] = "balanced",
) -> Result:
    """List the architectures with their parameters, MACs, flash and RAM on a board."""
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline.catalogue import catalogue

    with drawing() as observer:
        rows = catalogue(board, optimize, observer.progress("models"))
    return Result({"board": board, "optimize": optimize, "models": rows}, _text(rows, board))


_ABOUT = {
    "classify": "classification: 10 classes, one window; MACs/hop: where it can be streamed",
    "enhance": "enhancement: one hop, without the transforms; train with --task speech-enhancement",
}


def _text(rows: list[dict[str, Any]], board: str) -> list[Any]:
    texts: list[Any] = [f"untrained, for {board}: model and runtime, RAM with the stack"]
    for task, about in _ABOUT.items():
        texts += ["", about, _table([row for row in rows if row["task"] == task])]
    return texts + sorted({row["note"] for row in rows if row["note"]})


def _table(rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("architecture", "size"):
        table.add_column(name, no_wrap=True)
    for name in ("params", "MACs", "MACs/hop", "flash KiB", "RAM KiB", "input"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        numbers = (row[key] for key in ("parameters", "macs", "hop_macs"))
        sizes = (row[key] for key in ("flash_bytes", "ram_bytes"))
        table.add_row(
            row["architecture"],
            row["size"],
            *("" if number is None else f"{number:,}" for number in numbers),
            *(f"{size / 1024:,.1f}" for size in sizes),
            "x".join(map(str, row["input_shape"])),
        )
    return table
