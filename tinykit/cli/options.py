"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tinykit.config import Compile

Mode = Literal["speed", "balanced", "size"]
Striping = Literal["auto", "off", "most"]
Project = Annotated[
    Path,
    typer.Option("--project", "-C", metavar="DIR", help="The project's folder."),
]
BoardId = Annotated[
    str,
    typer.Option("--board", "-b", metavar="ID", help="A board's id, or a board file of your own."),
]
Port = Annotated[
    str,
    typer.Option("--port", "-p", help="Serial port, such as /dev/ttyACM0 or COM3."),
]
Stripes = Annotated[
    Striping,
    typer.Option(
        help="Layers a few rows at a time to save RAM; exact. auto: but for speed, where it saves "
        "15 % with the same kernels; most: wherever it saves."
    ),
]
Stream = Annotated[
    bool,
    typer.Option("--stream", help="Only the rows of a new hop at each inference; exact."),
]
Phases = Annotated[
    bool,
    typer.Option(
        "--phases",
        help="With --stream: one row at a time, layers behind strides at every 2nd, 4th, ... call.",
    ),
]


def compile_table(optimize: Mode, stream: bool, phases: bool, stripes: Striping) -> Compile:
    """Return `[compile]` as the options say it.

    Raises
    ------
    UsageError
        When phases are asked for, and no stream.
    """
    from tinykit.config import Compile
    from tinykit.errors import UsageError

    if phases and not stream:
        raise UsageError("--phases needs --stream", "add --stream: only a stream has phases")
    return Compile(optimize=optimize, stream=stream, phases=phases, stripes=stripes)
