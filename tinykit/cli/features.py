"""`tinykit features`: front ends on their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import BoardId, Mode, Port

features = typer.Typer(help="Measure front ends on a board.", no_args_is_help=True)
app.add_typer(features, name="features", rich_help_panel="Device")

KINDS = ("mfcc", "log_mel", "micro")


@command(features)
def bench(
    kind: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(KINDS)}; default: all.")
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option("--project", "-C", metavar="DIR", help="[features] of this project instead."),
    ] = None,
    board: BoardId = "mps2-an386",
    port: Port = "",
    optimize: Annotated[Mode, typer.Option(help="What matters more.")] = "balanced",
) -> Result:
    """Build, flash and measure front ends: what a hop costs, and what they take of the memory."""
    from rich.table import Table

    from tinykit import config
    from tinykit.audio.spec import FeatureSpec
    from tinykit.cli.drawing import drawing
    from tinykit.config import Compile
    from tinykit.pipeline import front_ends

    if project:
        specs = [config.load(project).features]
    else:
        # It refuses a kind that it does not know.
        specs = [FeatureSpec(kind=one) for one in kind or KINDS]  # type: ignore[arg-type]
    settings = Compile(optimize=optimize)
    with drawing() as observer:
        found = [front_ends.bench(spec, board, port, settings, observer) for spec in specs]
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for one in found:
        table.add_column(one["kind"], justify="right")
    for key in list(found[0])[1:]:
        values = (one[key] for one in found)
        table.add_row(key, *(f"{v:,}" if type(v) is int else str(v) for v in values))
    exact = all(one["exact"] for one in found)
    return Result({"front_ends": found}, [table], exit_code=0 if exact else 1)
