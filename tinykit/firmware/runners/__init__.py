"""Runners put a firmware on a device and say where its serial port is. One file for each tool.

A runner is found by its module: it has `RUNNER`, an object of the `Runner` protocol, and says by
`runs(board)` which boards it serves.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Protocol

import msgspec

from tinykit import paths
from tinykit.board import Board
from tinykit.errors import BoardError, DeviceError
from tinykit.firmware.build import Firmware

STATE_FILE = "run.json"

LIFETIME_S = 1800
"""After so long, on the wall clock, an emulator that nobody stopped is ended."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What `flash` left running: the content of `run.json`.

    `port` is what pyserial opens: a device path or a `socket://` URL. For an emulator, `pid` is its
    process and `token` is a word of its command line by which it is recognised.
    """

    board: str
    environment: str
    runner: str
    port: str
    firmware_id: str
    elf_sha256: str
    pid: int = 0
    token: str = ""


class Runner(Protocol):
    """One way to put firmware on a device."""

    name: str
    emulates: bool  # the device is a process on this computer: started by flash, ended by stop

    def runs(self, board: Board) -> bool:
        """Whether this runner serves `board`."""

    def flash(
        self, firmware: Firmware, state: Path, port: str = "", *, lifetime_s: float = LIFETIME_S
    ) -> Running:
        """Put `firmware` on the device, start it, and write `run.json` in folder `state`.

        `port` chooses the serial port of a real board; without it the only one there is taken.
        An emulator is ended after `lifetime_s` on the wall clock.
        """

    def check(self, running: Running, state: Path) -> None:
        """Raise `DeviceError` when what `flash` started no longer runs, with the reason."""

    def stop(self, state: Path) -> bool:
        """End what `flash` started; return whether there was anything to end."""


def runner(board: Board) -> Runner:
    """Return the runner for `board`.

    Raises
    ------
    BoardError
        When no runner serves it.
    """
    for module in pkgutil.iter_modules(__path__):
        found = importlib.import_module(f"{__name__}.{module.name}").RUNNER
        if found.runs(board):
            return found
    raise BoardError(f"{board.id}: no runner can flash it")


def running(board: Board, state: Path) -> Running:
    """Return what `flash` last started, by the `run.json` in folder `state`.

    Raises
    ------
    DeviceError
        When nothing was flashed, it was another board, or the emulator has ended.
    """
    hint = "run first: tinykit flash"
    found = load(state)
    if found is None:
        raise DeviceError(f"nothing was flashed yet: no {STATE_FILE} in {state}", hint)
    if found.board != board.id:
        raise DeviceError(f"the board flashed last is {found.board}, not {board.id}", hint)
    runner(board).check(found, state)
    return found


def load(state: Path) -> Running | None:
    """Return the content of `run.json` in `state`; None where there is none that can be read."""
    try:
        return msgspec.json.decode((state / STATE_FILE).read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None


def save(state: Path, running: Running) -> None:
    """Write `run.json` in `state`."""
    text = msgspec.json.format(msgspec.json.encode(running), indent=2)
    paths.write_bytes(state / STATE_FILE, text + b"\n")


def forget(state: Path) -> None:
    """Remove `run.json` from `state`."""
    (state / STATE_FILE).unlink(missing_ok=True)
