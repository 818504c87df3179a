"""`tinykit test` and `tinykit bench`: what a device gives and costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import (
    BoardId,
    Mode,
    Phases,
    Port,
    Project,
    Stream,
    Stripes,
    compile_table,
)
from tinykit.cli.stages import PANEL, Only

Arrays = list[Path]


@command(app, panel=PANEL)
def test(
    project: Project = Path(),
    board: BoardId = "",
    port: Port = "",
    inputs: Annotated[
        Arrays | None,
        typer.Option(
            metavar="X.npy",
            help="Run these tensors instead (once for each input), or MLPerf's y_labels.csv.",
        ),
    ] = None,
    outputs: Annotated[
        Arrays | None,
        typer.Option(metavar="Y.npy", help="Keep what came back (once for each output)."),
    ] = None,
    only: Only = False,
) -> Result:
    """Flash, then compare the device's results byte for byte, and measure."""
    from tinykit import project as projects
    from tinykit import report
    from tinykit.cli import summary
    from tinykit.cli.drawing import drawing
    from tinykit.errors import UsageError
    from tinykit.pipeline import Engine, building, files, tensors
    from tinykit.pipeline.stages import STAGES

    if bool(inputs) != bool(outputs):
        raise UsageError("--inputs and --outputs go together", "tinykit test --help")
    found = projects.load(project, board, port)
    with drawing() as observer, building.ended_afterwards(found):
        engine = Engine(STAGES, found, observer)
        if inputs and outputs:
            engine.update("flash", force=True)
            ran = tensors.run(found, inputs, outputs, observer.progress("test"))
            text = [f"{ran['rows']} rows: {', '.join(ran['outputs'])}"]
            if "accuracy" in ran:
                same = "every byte" if ran["exact"] else "NOT every byte"
                text.append(f"accuracy {ran['accuracy']:.1%}, {same} as computed on the host")
            return Result(ran, text, exit_code=0 if ran.get("exact", True) else 1)
        if only:
            engine.run_alone("test")
        else:
            engine.update("test", force=True)
    document = files.read_json(found.path(files.DEVICE))
    return Result(document, summary.table(report.gather(found)))


@command(app, panel="Device")
def bench(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="Any int8 .tflite.")],
    board: BoardId = "mps2-an386",
    port: Port = "",
    inputs: Annotated[int, typer.Option(min=1, help="How many random inputs to compare.")] = 10,
    optimize: Annotated[Mode, typer.Option(help="What matters more.")] = "balanced",
    stream: Stream = False,
    phases: Phases = False,
    stripes: Stripes = "auto",
) -> Result:
    """Compile, build, flash and measure one model; nothing is kept."""
    from rich.table import Table

    from tinykit.cli.drawing import drawing
    from tinykit.pipeline.bench import bench

    settings = compile_table(optimize, stream, phases, stripes)
    with drawing() as observer:
        measured = bench(model, board, port, inputs, settings, observer)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for key, value in measured.items():
        table.add_row(key, f"{value:,}" if type(value) is int else str(value))
    return Result(measured, [table], exit_code=0 if measured["exact"] else 1)
