"""`tinykit profile`: where a model's instructions go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import BoardId, Mode, Phases, Port, Stream, Stripes, compile_table


@command(app, panel="Device")
def profile(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="Any int8 .tflite.")],
    board: BoardId = "mps2-an386",
    port: Port = "",
    optimize: Annotated[Mode, typer.Option(help="What matters more.")] = "balanced",
    stream: Stream = False,
    phases: Phases = False,
    stripes: Stripes = "auto",
) -> Result:
    """Measure each op of one model on a board; nothing is kept."""
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline.profile import profile

    settings = compile_table(optimize, stream, phases, stripes)
    with drawing() as observer:
        measured = profile(model, board, port, settings, observer)
    return Result(measured, _text(measured), exit_code=0 if measured["exact"] else 1)


def _text(measured: dict[str, Any]) -> list[Any]:
    """Return the table of the ops and a line about the whole."""
    from rich.table import Table

    unit = {"instructions": "insn", "us": "us"}[measured["unit"]]
    table = Table(box=None, pad_edge=False)
    cycles = measured["modelled_cycles"] is not None
    table.add_column("op", no_wrap=True)
    table.add_column("kernel", overflow="fold")  # its name begins with the op's kind
    for name in ("MACs", measured["unit"], f"{unit}/MAC", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    if cycles:
        table.add_column("modelled\ncycles", justify="right", no_wrap=True)
    for op in measured["ops"]:
        table.add_row(
            str(op["index"]),
            op["kernel"],
            f"{op['macs']:,}" if op["macs"] else "",
            f"{op['cost']:,}",
            "" if op["per_mac"] is None else f"{op['per_mac']:.2f}",
            f"{op['share']:.1%}",
            *((_count(op["modelled_cycles"]),) if cycles else ()),
        )
    inference = (
        f"a hop of {measured['hop_rows']} row(s)" if measured["hop_rows"] else "an inference"
    )
    if phases := measured["phases"]:
        inference = (
            f"in the costliest of {phases['period']} calls, {measured['mean']:,.0f} on average"
        )
    whole = f"{measured['total']:,} {measured['unit']} {inference}, {measured['macs']:,} MACs"
    if measured["macs"]:
        whole += f", {measured['total'] / measured['macs']:.2f} {unit}/MAC"
    lines = [table, f"{whole}, on {measured['board']}, optimized for {measured['optimize']}"]
    if cycles:
        lines.append(f"{measured['modelled_cycles']:,} cycles, {measured['modelled_by']}")
    return lines


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
