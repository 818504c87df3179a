"""`tinykit run` and a command for each stage that has no options of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import BoardId, Port, Project

STAGES = {
    "train": """Train a model on the project's data.

    From the tables data, features, augment, model and train of tinykit.toml. Interrupted, it
    goes on from its last epoch. Writes build/features.npz and build/model.keras.""",
    "compress": """Make the trained model fit the budget.

    From the tables compress and budget: over budget is a failure. Writes
    build/compressed.keras.""",
    "quantize": """Quantize to int8 and make golden test vectors.

    Writes build/model.tflite, and build/vectors.npz: test inputs with tflite-micro's outputs.""",
    "fit": """Fit the decision on a long recording, and judge it on another.

    From the table fit: the recordings are made of the validation and the test split. Writes
    build/streams, build/decision.json and build/held_out.json.""",
    "generate": """Write the firmware project.

    From build/c and the board file: firmware/, a PlatformIO project.""",
    "build": """Compile and link the firmware with PlatformIO.

    Writes build/firmware.elf.""",
    "flash": """Put the firmware on the device, or start the emulator with it.

    The emulator goes on until `tinykit stop`, or half an hour.""",
    "report": """Write report.html, report.md and report.json.

    From what the other stages left in build/.""",
}
"""Stages without options of their own; `compile` and `test` have modules."""

PANEL = "One stage alone"
Only = Annotated[
    bool,
    typer.Option("--only", help="Take the artifacts as they lie: bring nothing up to date first."),
]


@command(app, panel="The whole road")
def run(
    project: Project = Path(),
    board: BoardId = "",
    port: Port = "",
    force: Annotated[bool, typer.Option("--force", help="Run every stage again.")] = False,
) -> Result:
    """Train, compress, quantize, compile, fit, generate, build, flash, test and report."""
    return whole_road(project, board, port, force)


def whole_road(project: Path, board: str = "", port: str = "", force: bool = False) -> Result:
    """Bring a project's report up to date, and with it everything that it is made from."""
    from tinykit import project as projects
    from tinykit import report
    from tinykit.cli import summary
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline import Engine, building
    from tinykit.pipeline.stages import STAGES

    found = projects.load(project, board, port)
    with drawing() as observer, building.ended_afterwards(found):
        engine = Engine(STAGES, found, observer)
        engine.update("report", force_all=force)
    document = report.gather(found)
    text = [*summary.table(document), f"report: {found.build / 'report.html'}"]
    return Result({**document.summary(), "ran": observer.ran}, text)


def stage(name: str, project: Path, board: str, port: str, only: bool) -> Result:
    """Run one stage, after what it is made from has been brought up to date."""
    from tinykit import project as projects
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline import Engine
    from tinykit.pipeline.stages import STAGES

    found = projects.load(project, board, port)
    with drawing() as observer:
        engine = Engine(STAGES, found, observer)
        if only:
            engine.run_alone(name)
        else:
            engine.update(name, force=True)
    written = [str(found.path(artifact)) for artifact in engine.stage(name).writes]
    document = {"stage": name, "ran": observer.ran, "kept": observer.kept_stages, "wrote": written}
    return Result(document, written)


def _register(name: str, about: str) -> None:
    def run_stage(
        project: Project = Path(), board: BoardId = "", port: Port = "", only: Only = False
    ) -> Result:
        if name == "flash":
            _restart(project, board, port)
        return stage(name, project, board, port, only)

    run_stage.__doc__ = about
    command(app, name, PANEL)(run_stage)


def _restart(project: Path, board: str, port: str) -> None:
    """Forget what was flashed: `tinykit flash` flashes though the same firmware runs already."""
    from tinykit import project as projects
    from tinykit.pipeline import building

    building.stop(projects.load(project, board, port))


for _name, _about in STAGES.items():
    _register(_name, _about)


@command(app, panel="Device")
def stop(project: Project = Path()) -> Result:
    """End the emulator that `tinykit flash` started."""
    from tinykit import project as projects
    from tinykit.pipeline import building

    stopped = building.stop(projects.load(project))
    said = "the emulator was ended" if stopped else "no emulator of this project was running"
    document: dict[str, Any] = {"stopped": stopped}
    return Result(document, [said])
