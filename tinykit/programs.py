"""The programs of other projects that the kit calls: what each is for, and what installs it."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tinykit.errors import ToolError

_APT = "sudo apt-get install -y --no-install-recommends "
_BREW = "brew install "


@dataclass(frozen=True)
class Program:
    """One program.

    `minimum` is the oldest version that will do; `apt` and `brew` name the packages that bring it,
    with what it cannot work without; where Homebrew has none, `brew` is empty and `source` says
    where its sources are. `required` is false where a project can do without.
    """

    name: str
    purpose: str
    minimum: tuple[int, ...]
    apt: str
    brew: str
    required: bool = True
    source: str = ""


PROGRAMS = (
    Program(
        "arm-none-eabi-gcc",
        "compiles firmware for Cortex-M",
        (10,),
        "gcc-arm-none-eabi libnewlib-arm-none-eabi",
        "--cask gcc-arm-embedded",
    ),
    Program(
        "qemu-system-arm", "plays the emulated Cortex-M boards", (7,), "qemu-system-arm", "qemu"
    ),
    Program(
        "riscv64-unknown-elf-gcc",
        "compiles firmware for RISC-V",
        (10,),
        "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
        "riscv64-elf-gcc",
        False,
    ),
    Program(
        "qemu-system-riscv32",
        "plays the emulated RISC-V boards",
        (7,),
        "qemu-system-misc",
        "qemu",
        False,
    ),
    Program("gcc", "runs generated C on this computer", (9,), "gcc libc6-dev", "gcc", False),
    Program(
        "flite",
        "speaks for wake words, beside espeak-ng",
        (2,),
        "flite",
        "",
        False,
        "https://github.com/festvox/flite",
    ),
)


def require(name: str) -> str:
    """Return the path of a program.

    Raises
    ------
    ToolError
        When it is not on the PATH, with the command that installs it.
    """
    path = shutil.which(name)
    if path is None:
        raise ToolError(f"{name} is not on the PATH; it {_entry(name).purpose}", install(name))
    return path


def install(name: str) -> str:
    """Return the command that installs a program on this system."""
    entry = _entry(name)
    if shutil.which("brew") and not shutil.which("apt-get"):
        return _BREW + entry.brew if entry.brew else f"build it from {entry.source}"
    return _APT + entry.apt


def _entry(name: str) -> Program:
    """Return a program's own entry, or that of the gcc that comes with it (the same prefix)."""
    by_name = {program.name: program for program in PROGRAMS}
    prefix = name.rpartition("-")[0]
    return by_name[name] if name in by_name else by_name[f"{prefix}-gcc"]


@functools.cache
def version(name: str) -> str:
    """Return the version that a program says it has, such as 12.2.1; "?" when it says none."""
    match = re.search(r"\d+\.\d+(\.\d+)?", output([name, "--version"]))
    return match[0] if match else "?"


def output(command: Sequence[str]) -> str:
    """Return what a command prints; nothing when it cannot be run or does not end."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
