"""What of the tools that tinykit calls is on this machine, and how to get the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from typing import Literal

from tinykit import programs
from tinykit.programs import PROGRAMS, Program

Status = Literal["ok", "missing", "old"]


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


_LIBRARIES = (
    # name, a file of it, the compiler that finds the file
    ("newlib", "libc_nano.a", "arm-none-eabi-gcc"),
    ("picolibc", "picolibc.specs", "riscv64-unknown-elf-gcc"),
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
    ("pyroomacoustics", "pyroomacoustics", "simulated rooms in [augment]", "rooms"),
    ("sounddevice", "sounddevice", "recording one's own voice", "record"),
)


def examine() -> list[Check]:
    """Look for every program and Python package, required ones first. Imports none of them."""
    checks = [_python(), *map(_program, PROGRAMS)]
    checks += [_library(*library) for library in _LIBRARIES]
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


def _program(program: Program) -> Check:
    found, status = "", "missing"
    if path := shutil.which(program.name):
        found = programs.version(path)
        status = "old" if _numbers(found) < program.minimum else "ok"
    return _check(program.name, status, found, program)  # type: ignore[arg-type]


def _library(name: str, file: str, compiler: str) -> Check:
    """Ask a cross compiler for a file of its C library; it prints the bare name when absent."""
    gcc = shutil.which(compiler)
    here = gcc is not None and "/" in programs.output([gcc, f"-print-file-name={file}"])
    (brought_by,) = (program for program in PROGRAMS if program.name == compiler)
    return _check(name, "ok" if here else "missing", file if here else "", brought_by)


def _check(name: str, status: Status, found: str, program: Program) -> Check:
    install = "" if status == "ok" else programs.install(program.name)
    return Check(name, status, found, program.purpose, program.required, install)


def _module(name: str, distribution: str, needed_for: str, extra: str) -> Check:
    here = importlib.util.find_spec(name) is not None
    install = f'pip install "tinykit[{extra}]"' if extra else f"pip install {distribution}"
    return Check(
        distribution,
        "ok" if here else "missing",
        _distribution_version(distribution) if here else "",
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


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)) or (0,)
