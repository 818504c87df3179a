"""The tree of commands."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

ORDER = (
    *("doctor", "boards", "models", "new", "import", "data", "run", "export"),
    *("train", "compress", "quantize", "compile", "fit", "generate"),
    *("build", "flash", "test", "report"),
    *("evaluate", "enhance", "bench", "features", "profile", "stop"),
)
"""The order of the commands in the help: that in which a user meets them."""


class _Commands(TyperGroup):
    """The commands in `ORDER`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        return sorted(super().list_commands(ctx), key=ORDER.index)


app = typer.Typer(
    name="tinykit",
    cls=_Commands,
    help="Train, compress and quantize audio models, compile them to C, and prove them on a "
    "microcontroller over serial.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from tinykit import __version__

        typer.echo(f"tinykit {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before the command."""


# Each registers its commands.
from tinykit.cli import (  # noqa: E402
    boards,  # noqa: F401
    compiling,  # noqa: F401
    data,  # noqa: F401
    doctor,  # noqa: F401
    enhancing,  # noqa: F401
    evaluating,  # noqa: F401
    features,  # noqa: F401
    interop,  # noqa: F401
    models,  # noqa: F401
    new,  # noqa: F401
    profile,  # noqa: F401
    proving,  # noqa: F401
    stages,  # noqa: F401
)
