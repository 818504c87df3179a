"""Where a word goes: results to stdout, everything else to stderr.

A command returns a `Result`; `command` registers it with `--json` and `--debug` added. With
`--json`, stdout holds one JSON document and nothing else: while the command runs, file descriptor 1
points at stderr, so that not even a native library can spoil it.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

JSON_HELP = "Print one JSON document on stdout and nothing else."
DEBUG_HELP = "Show the traceback of a failure."


@dataclass
class Result:
    """What a command found: `document` for programs, `text` for people."""

    document: dict[str, Any]
    text: Sequence[RenderableType] = ()
    exit_code: int = 0


def command(
    app: typer.Typer, name: str | None = None, panel: str | None = None
) -> Callable[[Callable[..., Result]], Callable[..., None]]:
    """Register a function that returns a `Result` as a command of `app`."""

    def register(function: Callable[..., Result]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(*args: Any, json: bool, debug: bool, **options: Any) -> None:
            with _stdout_kept_clean(json):
                result = function(*args, **options)
            print_json(result.document) if json else print_text(result.text)
            if result.exit_code:
                raise typer.Exit(result.exit_code)

        signature = inspect.signature(function, eval_str=True)
        flags = [
            inspect.Parameter(flag, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
            for flag, kind in (
                ("json", Annotated[bool, typer.Option("--json", help=JSON_HELP)]),
                ("debug", Annotated[bool, typer.Option("--debug", help=DEBUG_HELP)]),
            )
        ]
        run.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*signature.parameters.values(), *flags], return_annotation=None
        )
        run.__annotations__ = {flag.name: flag.annotation for flag in flags} | {
            parameter.name: parameter.annotation for parameter in signature.parameters.values()
        }
        app.command(name, rich_help_panel=panel)(run)
        return run

    return register


@contextmanager
def _stdout_kept_clean(wanted: bool) -> Iterator[None]:
    """Point file descriptor 1 and `sys.stdout` at stderr for the length of the block."""
    if not wanted:
        yield
        return
    sys.stdout.flush()
    kept, stream = os.dup(1), sys.stdout
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = stream
        sys.stderr.flush()
        os.dup2(kept, 1)
        os.close(kept)


def print_json(document: dict[str, Any]) -> None:
    """Write the one JSON document."""
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def print_text(text: Sequence[RenderableType]) -> None:
    """Write what a person reads: strings as they are, tables and texts in the terminal's way."""
    console = Console(highlight=False, markup=False)
    for part in text:
        console.print(part, soft_wrap=isinstance(part, str))


def print_error(message: str, hint: str = "", *, as_json: bool = False) -> None:
    """Write a failure: to stderr for a person, as a document on stdout for a program."""
    if as_json:
        print_json({"error": message, "hint": hint})
        return
    console = Console(stderr=True, highlight=False)
    console.print("[bold red]error:[/]", end=" ")
    console.print(message, markup=False, soft_wrap=True)
    for line in filter(None, hint.splitlines()):
        console.print("[bold]hint:[/] ", end=" ")
        console.print(line, markup=False, soft_wrap=True)
