"""`tinykit boards`: what the kit can aim at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command

boards = typer.Typer(help="List, show and check boards.", no_args_is_help=False)
app.add_typer(boards, name="boards", rich_help_panel="Before you start")

PROVEN = {"emulator": "in QEMU", "hardware": "on hardware", "never": "never"}
"""Where the test suite really ran a board."""


@boards.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List, show and check boards."""
    if context.invoked_subcommand is None:
        listing(json=json, debug=False)


@command(boards, "list")
def listing() -> Result:
    """List the boards that come with the kit."""
    from rich.table import Table

    from tinykit import board

    known = [board.find(name) for name in board.ids()]
    table = Table(box=None, pad_edge=False)
    for column in ("board", "MCU", "core"):
        table.add_column(column, no_wrap=True)
    for column in ("flash", "RAM"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("run by us", no_wrap=True)
    for one in known:
        memory = (one.memory.flash_bytes, one.memory.ram_bytes)
        sizes = (f"{size // 1024:,} KiB" for size in memory)
        table.add_row(one.id, one.mcu, one.core, *sizes, PROVEN[one.proven])
    return Result({"boards": [_document(one) for one in known]}, [table])


@command(boards)
def show(board_id: Annotated[str, typer.Argument(metavar="ID", help="A board's id.")]) -> Result:
    """Show one board: its core, memory, and how it is built and reached."""
    from tinykit import board

    return _shown(board.find(board_id))


@command(boards)
def check(file: Annotated[Path, typer.Argument(help="A board file of your own.")]) -> Result:
    """Check a board file and show what it says."""
    from tinykit import board

    result = _shown(board.load(file))
    return Result({"ok": True, **result.document}, [f"{file}: ok", *result.text])


def _shown(board: Any) -> Result:
    from rich.table import Table

    document = _document(board)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for key, value in document.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {_plain(name, one)}" for name, one in value.items() if one)
        if key == "proven":
            key, value = "run by us", PROVEN[value]
        table.add_row(key, _plain(key, value))
    return Result(document, [table])


def _plain(key: str, value: Any) -> str:
    """Write a value as the board file does: addresses in hexadecimal, the rest with separators."""
    if isinstance(value, int):
        return f"0x{value:08X}" if key.endswith(("_base", "_origin")) else f"{value:,}"
    return str(value)


def _document(board: Any) -> dict[str, Any]:
    import msgspec

    return {key: value for key, value in msgspec.to_builtins(board).items() if value is not None}
