"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    name="tinykit",
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


from tinykit.cli import boards, doctor, new  # noqa: E402, F401  (their commands register here)
