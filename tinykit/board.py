"""Boards: one declarative TOML file each, `boards/<id>.toml`; nothing in the code asks for a name.

A board says what the compiler needs (the core), what the linker enforces (memory), how to build
(PlatformIO), how to reach it (serial) and what its counter counts.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Literal

import msgspec

from tinykit import paths, toml
from tinykit.errors import BoardError


class Core(msgspec.Struct, frozen=True):
    """A processor core: how to compile for it and which kernel variants it can run."""

    name: str
    gcc_flags: tuple[str, ...]
    kernels: tuple[str, ...]  # variants in order of preference; `portable` always last
    fpu: bool = False


def _cortex(name: str, cpu: str, kernels: tuple[str, ...], fpu: str = "") -> Core:
    flags: tuple[str, ...] = (f"-mcpu={cpu}", "-mthumb")
    flags += ("-mfloat-abi=hard", f"-mfpu={fpu}") if fpu else ("-mfloat-abi=soft",)
    return Core(name, flags, kernels, bool(fpu))


_DSP = ("dsp", "portable")
CORES: dict[str, Core] = {
    core.name: core
    for core in (
        _cortex("cortex-m0", "cortex-m0", ("portable",)),
        _cortex("cortex-m0plus", "cortex-m0plus", ("portable",)),
        _cortex("cortex-m3", "cortex-m3", ("portable",)),
        _cortex("cortex-m4", "cortex-m4", _DSP),
        _cortex("cortex-m4f", "cortex-m4", _DSP, fpu="fpv4-sp-d16"),
        _cortex("cortex-m7", "cortex-m7", _DSP, fpu="fpv5-sp-d16"),
        _cortex("cortex-m33", "cortex-m33", _DSP, fpu="fpv5-sp-d16"),
        _cortex("cortex-m55", "cortex-m55", ("helium", "dsp", "portable"), fpu="auto"),
        Core("xtensa-lx7", (), ("portable",), fpu=True),
    )
}
"""Every core that a board file may name."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A TOML table in which an unknown key is an error."""


class Memory(_Table, frozen=True, kw_only=True):
    """What the firmware may use. Origins: for bare-metal boards, whose linker script is ours."""

    flash_bytes: int
    ram_bytes: int
    flash_origin: int | None = None
    ram_origin: int | None = None


class Counter(_Table, frozen=True, kw_only=True):
    """The counter that `tk_hal_counter()` reads: `value = ticks * numerator / denominator`."""

    unit: Literal["instructions", "us"]
    numerator: int = 1
    denominator: int = 1


class Hal(_Table, frozen=True, kw_only=True):
    """The hardware layer: a folder `templates/hal_<template>/` and its parameters."""

    template: str
    uart: str = ""
    uart_base: int = 0
    timer: str = ""
    timer_base: int = 0


class PlatformIo(_Table, frozen=True, kw_only=True):
    """The PlatformIO environment. Platform `tinykit` is the local one that works offline."""

    platform: str
    board: str
    framework: str = ""


class Emulator(_Table, frozen=True, kw_only=True):
    """A QEMU machine that plays the board."""

    machine: str
    icount_shift: int


class Board(_Table, frozen=True, kw_only=True):
    """One board, as written in its file."""

    id: str = ""  # the file's stem, set by `load`
    name: str
    vendor: str
    mcu: str
    core: str
    clock_hz: int
    url: str
    proven: Literal["emulator", "hardware", "never"]  # where the test suite really ran it
    memory: Memory
    counter: Counter
    hal: Hal
    platformio: PlatformIo
    emulator: Emulator | None = None
    baud: int = 115200

    @property
    def processor(self) -> Core:
        """The core's description."""
        return CORES[self.core]


def load(path: Path) -> Board:
    """Read and check one board file.

    Raises
    ------
    BoardError
        When the file is missing, malformed, has an unknown key or core, or contradicts itself.
    """
    board = msgspec.structs.replace(toml.load(path, Board, BoardError), id=path.stem)
    if board.core not in CORES:
        raise BoardError(f"{path}: unknown core {board.core!r}", _near(board.core, CORES))
    for field in ("flash_bytes", "ram_bytes"):
        if getattr(board.memory, field) <= 0:
            raise BoardError(f"{path}: memory.{field} must be positive")
    if min(board.counter.numerator, board.counter.denominator) <= 0:
        raise BoardError(f"{path}: counter.numerator and counter.denominator must be positive")
    if board.clock_hz <= 0 or board.baud <= 0:
        raise BoardError(f"{path}: clock_hz and baud must be positive")
    if not (paths.share_dir("templates") / f"hal_{board.hal.template}").is_dir():
        known = [p.name[4:] for p in paths.share_dir("templates").glob("hal_*")]
        raise BoardError(
            f"{path}: unknown hal.template {board.hal.template!r}", _near(board.hal.template, known)
        )
    if board.emulator and None in (board.memory.flash_origin, board.memory.ram_origin):
        raise BoardError(f"{path}: an emulated board needs memory.flash_origin and .ram_origin")
    return board


def ids() -> list[str]:
    """Return the ids of the boards that come with the kit, sorted."""
    return sorted(path.stem for path in paths.share_dir("boards").glob("*.toml"))


def find(name: str) -> Board:
    """Return the board with id `name`, or read `name` as a path when it ends in `.toml`.

    Raises
    ------
    BoardError
        When there is no such board; the nearest ids are suggested.
    """
    if name.endswith(".toml"):
        return load(Path(name))
    if name not in ids():
        raise BoardError(f"unknown board {name!r}", _near(name, ids()))
    return load(paths.share_dir("boards") / f"{name}.toml")


def _near(name: str, known: object) -> str:
    names = sorted(known)  # type: ignore[call-overload]
    close = difflib.get_close_matches(name, names, n=1)
    return (f"did you mean `{close[0]}`? " if close else "") + "known: " + ", ".join(names)
