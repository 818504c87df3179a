"""`tinykit import` and `tinykit export`: ESPHome's wake word models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import BoardId, Project


@command(app, "import", "Before you start")
def import_(
    manifest: Annotated[
        Path, typer.Argument(metavar="MANIFEST.json", help="Its .tflite must lie where it says.")
    ],
    name: Annotated[
        str, typer.Argument(help="The folder to make; its last part names the project.")
    ],
    board: BoardId = "mps2-an386",
) -> Result:
    """Make a project of an ESPHome micro_wake_word model (manifest version 2)."""
    from tinykit.pipeline.interop import take_in

    folder = take_in(manifest, Path(name), board)
    text = [f"{folder} is ready. Next:", f"  cd {folder}", "  tinykit run"]
    return Result({"project": str(folder), "board": board}, text)


@command(app, panel="The whole road")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write both files.")],
    project: Project = Path(),
    author: Annotated[str, typer.Option(help="Who made the model.")] = "",
    website: Annotated[str, typer.Option(help="Where more is said of it.")] = "",
    language: Annotated[
        list[str] | None, typer.Option(metavar="en", help="It was trained on (again for each).")
    ] = None,
    tensor_arena_size: Annotated[
        int, typer.Option(min=0, help="Bytes for ESPHome's interpreter; default: measured.")
    ] = 0,
) -> Result:
    """Write model and manifest for ESPHome's micro_wake_word."""
    from tinykit import project as projects
    from tinykit.pipeline.interop import give_out

    found = projects.load(project)
    written = give_out(found, folder, author, website, language, tensor_arena_size)
    return Result({"wrote": [str(path) for path in written]}, [str(path) for path in written])
