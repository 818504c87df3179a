"""What of the tools that tinykit calls is on this machine, and how to get the rest."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "missing", "old"]

_APT = "sudo apt-get install -y --no-install-recommends "
_BREW = "brew install "


@dataclass(frozen=True)
class Check:
    """One thing looked for.

    `needed_for` says what does not work without it; `required` is false where a project can do
    without (training extras on a machine that only compiles and flashes).
    """

    name: str
    status: Status
    found: str
    needed_for: str
    required: bool
    install: str


@dataclass(frozen=True)
class _Program:
    name: str
    needed_for: str
    minimum: tuple[int, ...]
    apt: str
    brew: str
    required: bool = True


_PROGRAMS = (
    _Program(
        "arm-none-eabi-gcc",
        "firmware for Cortex-M, exact flash sizes",
        (10,),
        "gcc-arm-none-eabi",
        "--cask gcc-arm-embedded",
    ),
    _Program("qemu-system-arm", "emulated Cortex-M boards", (7,), "qemu-system-arm", "qemu"),
    _Program(
        "riscv64-unknown-elf-gcc",
        "firmware for RISC-V",
        (10,),
        "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
        "riscv64-elf-gcc",
        False,
    ),
    _Program(
        "qemu-system-riscv32", "emulated RISC-V boards", (7,), "qemu-system-misc", "qemu", False
    ),
    _Program("gcc", "running generated C on this computer (tests)", (9,), "gcc", "gcc", False),
)

_MODULES = (
    # import name, distribution, needed for, extra
    ("platformio", "platformio", "building firmware", ""),
    ("SCons", "scons", "building firmware offline", ""),
    ("serial", "pyserial", "talking to a device", ""),
    ("tflite_micro", "tflite-micro", "reading models, golden outputs", ""),
    ("keras", "keras", "train, compress, quantize", "train"),
    ("tensorflow", "tensorflow-cpu", "train, compress, quantize", "train"),
    ("soundfile", "soundfile", "recorded data sets", "train"),
    ("espeakng_loader", "espeakng-loader", "the synthetic data source", "synth"),
)


def examine() -> list[Check]:
    """Look for every program and Python package, required ones first. Imports none of them."""
    checks = [_python(), *map(_program, _PROGRAMS), _newlib()]
    checks += [_module(*module) for module in _MODULES]
    return sorted(checks, key=lambda check: not check.required)


def _python() -> Check:
    supported = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Check(
        "python",
        "ok" if supported else "old",
        platform.python_version(),
        "everything",
        True,
        "" if supported else "use Python 3.11, 3.12 or 3.13",
    )


def _program(program: _Program) -> Check:
    path = shutil.which(program.name)
    text, status = "", "missing"
    if path:
        text = version(path)
        status = "old" if _numbers(text) < program.minimum else "ok"
    install = "" if status == "ok" else _install(program.apt, program.brew)
    return Check(program.name, status, text, program.needed_for, program.required, install)  # type: ignore[arg-type]


def _newlib() -> Check:
    """Ask the Arm compiler for newlib's reduced C library; it prints the bare name when absent."""
    gcc = shutil.which("arm-none-eabi-gcc")
    found = _output([gcc, "-print-file-name=libc_nano.a"]).strip() if gcc else ""
    here = "/" in found
    return Check(
        "newlib",
        "ok" if here else "missing",
        "libc_nano.a" if here else "",
        "firmware for Cortex-M",
        True,
        "" if here else _install("libnewlib-arm-none-eabi", "--cask gcc-arm-embedded"),
    )


def _module(name: str, distribution: str, needed_for: str, extra: str) -> Check:
    here = importlib.util.find_spec(name) is not None
    version = _distribution_version(distribution) if here else ""
    install = f'pip install "tinykit[{extra}]"' if extra else f"pip install {distribution}"
    return Check(
        distribution,
        "ok" if here else "missing",
        version,
        needed_for,
        not extra,
        "" if here else install,
    )


def _distribution_version(distribution: str) -> str:
    for name in (distribution, distribution.removesuffix("-cpu")):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "?"


def _install(apt: str, brew: str) -> str:
    if shutil.which("apt-get"):
        return _APT + apt
    if shutil.which("brew"):
        return _BREW + brew
    return f"install {apt} (Debian's name) with this system's package manager"


@functools.cache
def version(program: str) -> str:
    """Return the version that a program says it has, such as 12.2.1; "?" when it says none."""
    first = _output([program, "--version"]).splitlines()[:1]
    return match[0] if first and (match := re.search(r"\d+\.\d+(\.\d+)?", first[0])) else "?"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)) or (0,)


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
