"""From arguments to an exit code: every way a command can fail, in one place."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer

from tinykit import paths
from tinykit.cli import console
from tinykit.errors import TinykitError

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM: 128 + SIGINT, as shells have it."""

_UsageError: type[Exception] = typer.BadParameter.__mro__[2]  # ClickException, wherever it lives
_DISK = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; a failure is one message, never a traceback."""
    as_json = "--json" in arguments
    debug = "--debug" in arguments
    signal.signal(signal.SIGTERM, _terminate)
    try:
        from tinykit.cli.app import app

        code = typer.main.get_command(app).main(
            arguments, prog_name="tinykit", standalone_mode=False
        )
        sys.stdout.flush()
        code = code or 0
    except BrokenPipeError:
        # The reader has gone; point stdout elsewhere so that the interpreter's last flush is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (Exception, SystemExit) as failure:
        if debug and not isinstance(failure, SystemExit):
            traceback.print_exc()
        return _explain(failure, as_json)
    if code == INTERRUPTED:
        console.print_error(
            "interrupted", "run the same command again: finished stages are kept", as_json=as_json
        )
    return code


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Treat SIGTERM as Ctrl-C, so that temporary files and child processes are cleaned up."""
    raise KeyboardInterrupt


def _explain(failure: BaseException, as_json: bool) -> int:
    """Print `failure` and return the exit code it deserves."""
    if isinstance(failure, SystemExit):
        return failure.code if isinstance(failure.code, int) else 1
    if isinstance(failure, TinykitError):
        message, hint, code = failure.message, failure.hint, failure.exit_code
    elif isinstance(failure, _UsageError):
        message, hint, code = _usage(failure)
    elif isinstance(failure, MemoryError):
        message, hint, code = "out of memory", "close other programs, or use a smaller model", 1
    elif isinstance(failure, OSError):
        message, hint, code = _system(failure)
    else:
        saved = _save_traceback(failure)
        message = f"unexpected {type(failure).__name__}: {failure} (a defect of tinykit)"
        hint = f"the traceback is in {saved}" if saved else "--debug shows the traceback"
        code = 1
    if message:  # a bare `tinykit` has none: its help has been printed
        console.print_error(message, hint, as_json=as_json)
    return code


def _usage(failure: Any) -> tuple[str, str, int]:
    """Describe a command line that could not be parsed."""
    context = getattr(failure, "ctx", None)
    command = context.command_path if context else "tinykit"
    return failure.format_message(), f"{command} --help", 2


def _system(failure: OSError) -> tuple[str, str, int]:
    """Describe what the operating system refused."""
    reason = _DISK.get(failure.errno or 0) or failure.strerror or str(failure)
    where = f"{failure.filename}: " if failure.filename else ""
    hint = "free some space and run the same command again: finished stages are kept"
    return where + reason, hint if failure.errno in _DISK else "", 1


def _save_traceback(failure: BaseException) -> Path | None:
    """Keep the traceback for a defect report; None where the cache cannot be written."""
    path = paths.cache_dir() / "crashes" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        paths.write_text(path, "".join(traceback.format_exception(failure)))
    except OSError:
        return None
    return path
