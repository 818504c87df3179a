"""Boards: one declarative TOML file each, `boards/<id>.toml`; nothing in the code asks for a name.

A board says what the compiler needs (the core), what the linker enforces (memory), how to build
(PlatformIO), how to reach it (serial) and what its counter counts.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Literal

import msgspec

from tinykit import paths, toml
from tinykit.errors import BoardError


class Architecture(msgspec.Struct, frozen=True):
    """A family of cores with the same tools: gcc, C library, emulator."""

    name: str  # also the folder of its start-up code in the HAL template `bare_metal`
    prefix: str  # of gcc and the binutils
    link_flags: tuple[str, ...]
    qemu: str


CORTEX_M = Architecture(
    "cortex_m",
    "arm-none-eabi-",
    # newlib-nano's memcpy is the small one
    ("-Wl,--gc-sections", "--specs=nano.specs", "--specs=nosys.specs"),
    "qemu-system-arm",
)
RISCV = Architecture(
    "riscv",
    "riscv64-unknown-elf-",
    ("-Wl,--gc-sections",),
    "qemu-system-riscv32",
)


class Core(msgspec.Struct, frozen=True):
    """A processor core: how to compile for it and which kernel variants it can run."""

    name: str
    gcc_flags: tuple[str, ...]
    kernels: tuple[str, ...]  # variants in order of preference; `portable` always last
    fpu: bool = False
    architecture: Architecture | None = CORTEX_M  # None: PlatformIO brings the tools


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
        Core(
            "rv32imc",
            ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
            ("portable",),
            architecture=RISCV,
        ),
        Core("xtensa-lx7", (), ("portable",), fpu=True, architecture=None),
    )
}
"""Every core that a board file may name."""

OFFLINE_PLATFORM = "tinykit"
"""The PlatformIO platform that travels with each project and uses this computer's compiler."""


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
    uart: str = ""  # driver `uart/<uart>.c` of the template; bare metal only, as all below
    uart_base: int = 0
    uart_irq: int = 0  # number of its receive interrupt, which wakes the core
    timer: str = ""  # driver `timer/<timer>.c`
    timer_base: int = 0
    interrupts_base: int = 0  # the interrupt controller, where the core has none of its own (PLIC)


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
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,47}", board.id):
        raise BoardError(
            f"{path}: board id {board.id!r}: a-z, 0-9, - and _ only, 48 at most",
            "the file's name without .toml is the board's id",
        )
    for key in ("name", "vendor", "mcu", "url"):
        text = getattr(board, key)
        if not text or not text.isprintable() or "*/" in text:  # it goes into comments of the C
            raise BoardError(f"{path}: {key} must be one line of text, without */")
    if board.core not in CORES:
        raise BoardError(f"{path}: unknown core {board.core!r}", _near(board.core, CORES))
    for key, value in {
        "clock_hz": board.clock_hz,
        "baud": board.baud,
        "memory.flash_bytes": board.memory.flash_bytes,
        "memory.ram_bytes": board.memory.ram_bytes,
        "counter.numerator": board.counter.numerator,
        "counter.denominator": board.counter.denominator,
    }.items():
        if not 0 < value < 2**32:
            raise BoardError(f"{path}: {key} is {value}, must be positive and below 2^32")
    _check_hal(path, board)
    if board.platformio.platform == OFFLINE_PLATFORM:
        _check_offline(path, board)
    elif not board.platformio.framework:
        raise BoardError(
            f"{path}: platformio.framework is missing",
            'the hal template `arduino` needs framework = "arduino"',
        )
    if board.emulator and board.platformio.platform != OFFLINE_PLATFORM:
        raise BoardError(f'{path}: an emulated board needs platformio.platform = "tinykit"')
    return board


def _check_hal(path: Path, board: Board) -> None:
    """Check that the HAL template and its drivers exist."""
    templates = paths.share_dir("templates")
    folder = templates / f"hal_{board.hal.template}"
    if not folder.is_dir():
        known = [found.name[4:] for found in templates.glob("hal_*")]
        raise BoardError(
            f"{path}: unknown hal.template {board.hal.template!r}", _near(board.hal.template, known)
        )
    for kind, driver in (("uart", board.hal.uart), ("timer", board.hal.timer)):
        known = [found.stem for found in (folder / kind).glob("*.c")]
        if bool(known) != bool(driver):
            need = f"one of: {', '.join(sorted(known))}" if known else "nothing there"
            raise BoardError(f"{path}: hal.{kind}: template {board.hal.template} needs {need}")
        if driver and driver not in known:
            raise BoardError(f"{path}: unknown hal.{kind} {driver!r}", _near(driver, known))


def _check_offline(path: Path, board: Board) -> None:
    """Check what our own PlatformIO platform needs: a linker script, a core we have tools for."""
    memory = board.memory
    if memory.flash_origin is None or memory.ram_origin is None:
        raise BoardError(
            f"{path}: memory.flash_origin and memory.ram_origin are missing",
            'platform = "tinykit" writes the linker script from them',
        )
    if board.processor.architecture is None:
        raise BoardError(
            f'{path}: platform = "tinykit" builds for Cortex-M and RISC-V, not {board.core}'
        )
    flash = range(memory.flash_origin, memory.flash_origin + memory.flash_bytes)
    ram = range(memory.ram_origin, memory.ram_origin + memory.ram_bytes)
    for name, region in (("flash", flash), ("ram", ram)):
        if region.start < 0 or region.stop > 2**32 or region.start % 4 or region.stop % 4:
            raise BoardError(
                f"{path}: {name} from 0x{region.start:08X} to 0x{region.stop:08X} is not a whole "
                "number of words in a 32-bit address space"
            )
    if max(flash.start, ram.start) < min(flash.stop, ram.stop):
        raise BoardError(
            f"{path}: flash (from 0x{flash.start:08X}, {len(flash):,} B) and ram (from "
            f"0x{ram.start:08X}, {len(ram):,} B) overlap"
        )
    if board.emulator and not 0 <= board.emulator.icount_shift <= 10:
        raise BoardError(
            f"{path}: emulator.icount_shift is {board.emulator.icount_shift}, QEMU takes 0 to 10"
        )


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
