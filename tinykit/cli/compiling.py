"""`tinykit compile`: the project's model, or any int8 .tflite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinykit.cli import plan_chart
from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import BoardId, Mode, Phases, Project, Stream, Stripes, compile_table
from tinykit.cli.stages import PANEL, Only, stage

if TYPE_CHECKING:
    from tinykit.config import Compile


@command(app, "compile", PANEL)
def compile_(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[MODEL.tflite]", help="An int8 .tflite of your own."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write the C here; needs no project."),
    ] = None,
    board: BoardId = "",
    optimize: Annotated[
        Mode | None,
        typer.Option(help="With --out: what matters more. [default: balanced]"),
    ] = None,
    dump_ir: Annotated[
        bool, typer.Option("--dump-ir", help="With --out: print the model after every pass.")
    ] = False,
    stream: Stream = False,
    phases: Phases = False,
    stripes: Stripes = "auto",
    project: Project = Path(),
    only: Only = False,
) -> Result:
    """Compile a model to C with a static memory plan. Needs no TensorFlow.

    With MODEL and --out: into a folder of its own. With MODEL alone: put it into the project in
    place of the trained one. Without MODEL: the project's.
    """
    from tinykit.errors import UsageError

    if stream and out is None:
        raise UsageError("--stream needs --out", "in a project: [compile] stream = true")
    if phases and out is None:
        hint = "in a project: [compile] stream = true and phases = true"
        raise UsageError("--phases needs --out", hint)
    if stripes != "auto" and out is None:
        raise UsageError("--stripes needs --out", 'in a project: [compile] stripes = "..."')
    if model is None and out is None:
        return stage("compile", project, board, "", only)
    if model is None:
        raise UsageError("--out needs a MODEL.tflite", "tinykit compile --help")
    if out is None:
        _put(model, project)
        return stage("compile", project, board, "", only)
    settings = compile_table(optimize or "balanced", stream, phases, stripes)
    if not board:
        raise UsageError("--out needs --board ID", "tinykit boards lists them")
    return _standalone(model, out, board, settings, dump_ir)


def _put(model: Path, project: Path) -> None:
    """Make `model` the project's; its stages of training are then left alone."""
    from tinykit import paths
    from tinykit import project as projects
    from tinykit.errors import UsageError
    from tinykit.pipeline import files

    if not (project / "tinykit.toml").is_file():
        raise UsageError(
            f"no tinykit.toml in {project.resolve()}",
            f"without a project: tinykit compile {model} --board ID -o DIR",
        )
    found = projects.load(project)
    paths.write_bytes(found.path(files.TFLITE), model.read_bytes())


def _standalone(model: Path, out: Path, board_id: str, settings: Compile, dump: bool) -> Result:
    from tinykit import board as boards
    from tinykit.pipeline import compiling, files
    from tinykit.progress import silent

    data = model.read_bytes()
    dumped = compiling.dump(data, settings.stream, settings.phases) if dump else []
    compiled, plan = compiling.compile_for(data, boards.find(board_id), settings, silent)
    compiling.write(compiled, out)
    files.write_json(out / "plan.json", plan)
    return Result({"out": str(out), "ir": dumped, **plan}, [*dumped, *_told(out, plan)])


def _hop(plan: dict[str, Any]) -> str:
    """Return of what the MACs are, where not of a whole inference."""
    if phases := plan["phases"]:
        outputs = ", ".join(map(str, phases["output_periods"]))
        return (
            f" in the costliest of {phases['period']} calls with a row each,"
            f" {phases['macs_mean']:,.0f} on average;"
            f" a new output every {outputs} calls"
        )
    return f" a hop of {plan['hop_rows']} row(s)" if plan["hop_rows"] else ""


def _told(out: Path, plan: dict[str, Any]) -> list[str]:
    ram = plan["arena_bytes"] + plan["scratch_bytes"] + plan["state_bytes"]
    lines = [
        f"{len(plan['ops'])} ops, {plan['macs']:,} MACs{_hop(plan)}",
        f"RAM {ram:,} B without stack; lower bound for these kernels "
        f"{plan['lower_bound_bytes'] + plan['state_bytes']:,} B",
    ]
    if "code_bytes" in plan:
        flash = plan["code_bytes"] + plan["const_bytes"]
        lines.append(f"flash {flash:,} B as linked by {plan['compiler']}")
    if "stack_bound_bytes" in plan:
        bound = plan["stack_bound_bytes"]
        known = "without a bound" if bound is None else f"{bound:,} B"
        lines.append(f"stack {known} by gcc's account of the deepest chain of calls")
    return [*plan_chart.lines(plan), *lines, f"C sources: {out}"]
