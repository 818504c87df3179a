"""`tinykit enhance`: a recording, enhanced by the project's model or by its device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import BoardId, Port, Project


@command(app, panel="Device")
def enhance(
    source: Annotated[Path, typer.Argument(metavar="IN.wav", help="Noisy, at the model's rate.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.wav", help="As long, and in step.")],
    project: Project = Path(),
    board: BoardId = "",
    port: Port = "",
    device: Annotated[
        bool, typer.Option("--device", help="Let the device do it, and compare every sample.")
    ] = False,
) -> Result:
    """Enhance a recording with the project's model."""
    from tinykit import project as projects
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline import Engine, building, enhancing_files
    from tinykit.pipeline.stages import STAGES

    found = projects.load(project, board, port)
    with drawing() as observer, building.ended_afterwards(found):
        engine = Engine(STAGES, found, observer)
        engine.update("compile")
        if device:
            engine.update("flash", force=True)
        progress = observer.progress("enhance")
        document = enhancing_files.run(found, source, target, device, progress)
    by = f"{document['seconds']:.1f} s by {document['by']}"
    if device:
        by += ", every sample as computed here"
    return Result(document, [f"{target}: {by}", f"live: {document['delay_ms']:g} ms late"])
