"""`tinykit evaluate`: a long recording with labels, heard by the model and by the device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import BoardId, Port, Project


@command(app, panel="Device")
def evaluate(
    stream: Annotated[
        Path, typer.Option("--stream", metavar="LONG.wav", help="The recording to listen to.")
    ],
    labels: Annotated[
        Path,
        typer.Option(metavar="X.csv", help="start_s,end_s,label[,snr_db][,speaker] of each word."),
    ],
    project: Project = Path(),
    board: BoardId = "",
    port: Port = "",
    device: Annotated[
        bool, typer.Option("--device", help="Let the device hear it too, and compare.")
    ] = False,
    fit: Annotated[
        bool,
        typer.Option("--fit", help="Fit [decision] to this recording: use one kept for that."),
    ] = False,
    forms: Annotated[
        bool,
        typer.Option("--forms", help="Judge the float, window and streamed model too (slow)."),
    ] = False,
    false_accepts_per_hour: Annotated[
        float, typer.Option(min=0, help="With --fit: the limit to keep.")
    ] = 0.5,
) -> Result:
    """Report misses, false accepts per hour and delays over a long recording."""
    from tinykit import project as projects
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline import Engine, building, evaluation
    from tinykit.pipeline.forms import side_by_side
    from tinykit.pipeline.stages import STAGES

    found = projects.load(project, board, port)
    with drawing() as observer, building.ended_afterwards(found):
        engine = Engine(STAGES, found, observer)
        engine.update("compile")
        heard = evaluation.Recording(found, stream, labels, observer.progress("hear"))
        fitted = heard.fit(false_accepts_per_hour) if fit else None
        document = heard.evaluate()
        if device:
            engine.update("build")
            building.restart(found, heard.duration_s)
            document["device"] = heard.compare(observer.progress("listen"))
        if forms:
            found_forms = side_by_side(heard, document.get("device"), observer.progress("hear"))
            document["forms"] = found_forms
    document["fitted"] = fitted
    evaluation.write(found, document)
    return Result(document, _text(document))


MOST_ROWS = 8
"""Of each table; the report has them all."""


def _form(form: dict[str, Any]) -> str:
    rates = [f"{point['rate']:.1%} at {point['limit_per_hour']:g}/h" for point in form["operating"]]
    missed = form["false_reject_rate"]
    decided = "" if missed is None else f"{missed:.1%} missed, "
    return "; ".join([f"{decided}{form['false_accepts']} falsely heard", *rates])


def _text(document: dict[str, Any]) -> list[Any]:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    minutes = document["duration_s"] / 60
    table.add_row("recording", f"{minutes:.1f} min, {document['keywords']} keywords")
    if document["false_reject_rate"] is not None:
        table.add_row("missed", f"{document['false_reject_rate']:.1%}")
    table.add_row(
        "false accepts",
        f"{document['false_accepts']}, {document['false_accepts_per_hour']:.2f} per hour",
    )
    for point in document["operating"]:
        reached = f"{point['rate']:.1%} ({point['low']:.1%} to {point['high']:.1%})"
        if point["threshold"] is None:
            reached = "no threshold keeps it"
        table.add_row(f"missed at {point['limit_per_hour']:g} false accepts per hour", reached)
    late = document["latency"]
    if late:
        delays = (late["median_s"], late["p90_s"], late["worst_s"])
        table.add_row(
            "delay after the word", "{:.2f} s, 90 % {:.2f} s, worst {:.2f} s".format(*delays)
        )
    for name in ("by_label", "by_snr", "by_speaker"):
        rows = document[name] if len(document[name]) > 1 else ()
        for row in rows[:MOST_ROWS]:
            share = row["missed"] / row["events"]
            table.add_row(f"  {row['group']}", f"{share:.1%} of {row['events']} missed")
        if len(rows) > MOST_ROWS:
            table.add_row("", f"{len(rows) - MOST_ROWS} more, none worse")
    for form in document.get("forms", ()):
        table.add_row(f"  {form['form']}", form.get("why_not") or _form(form))
    notes = [f"decision: {document['decision_from']}"]
    if document.get("device"):
        notes.append(f"{document['device']['board']}: the same detections, every row and score")
    if document.get("fitted"):
        notes.append("fitted; the next firmware has it compiled in: tinykit flash")
    if document["other_labels"]:
        notes.append(f"not keywords of this model: {', '.join(document['other_labels'])}")
    return ["", table, *notes]
