"""`tinykit new`: a project folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import BoardId, Port


@command(app, panel="Before you start")
def new(
    name: Annotated[
        str, typer.Argument(help="The folder to make; its last part names the project.")
    ],
    task: Annotated[
        Literal["keyword-spotting", "wake-word", "speech-enhancement"],
        typer.Option(help="What the device should do."),
    ] = "keyword-spotting",
    board: BoardId = "mps2-an386",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Recorded speech, one folder a word (an enhancer: folders speech and noise); "
            "default: synthesized.",
        ),
    ] = None,
    word: Annotated[
        str, typer.Option(help="With --task wake-word: the word or phrase, as one would write it.")
    ] = "",
    run: Annotated[bool, typer.Option("--run", help="Then run it: see tinykit run.")] = False,
    port: Port = "",
) -> Result:
    """Make a project: a commented tinykit.toml, a README and a .gitignore."""
    from tinykit.scaffold import create

    folder = create(Path(name), task, board, data, word.strip())
    if run:
        from tinykit.cli import stages

        return stages.whole_road(folder, port=port)
    text = [f"{folder} is ready. Next:", f"  cd {folder}", "  tinykit run"]
    return Result({"project": str(folder), "task": task, "board": board}, text)
