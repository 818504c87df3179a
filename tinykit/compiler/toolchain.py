"""The C compilers: which flags generated code is built with, and how a compiler is run.

The firmware is built with the same flags that `measure` uses: what was measured is what is
flashed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tinykit import programs
from tinykit.board import Core
from tinykit.compiler.lower import Mode
from tinykit.errors import ToolError

STRICT_FLAGS = ("-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow")
"""Warnings of which generated code and kernels have none."""

_OPTIMIZE: dict[str, str] = {"speed": "-O3", "balanced": "-O2", "size": "-Os"}
_TIMEOUT_S = 300


def model_flags(core: Core, optimize: Mode, compiler: str = "gcc") -> tuple[str, ...]:
    """Return the flags that a model's C sources are compiled with for `core`.

    `compiler` is "gcc" or "clang", whose own scheduler needs no flag and which refuses gcc's.

    Kernels read int8 arrays by words, which only `-fno-strict-aliasing` makes legal; sections
    let the linker drop what nothing calls. Without vector instructions, gcc's vectorizer only
    shuffles bytes in and out of words (a look-up loop of 20 B became 780 B on a Cortex-M4). The
    DSP kernels keep every register busy: scheduling before registers are given out, which gcc
    does for a Cortex-M7 and M33, spills (kws_ref 3.70 instead of 3.22 M instructions) or fails.
    """
    vectors = () if "helium" in core.kernels else ("-fno-tree-vectorize",)
    order = ("-fno-schedule-insns",) if "dsp" in core.kernels and compiler == "gcc" else ()
    return (
        *core.gcc_flags,
        "-std=c99",
        _OPTIMIZE[optimize],
        *vectors,
        *order,
        "-fno-strict-aliasing",
        "-fno-common",
        "-ffunction-sections",
        "-fdata-sections",
        *STRICT_FLAGS,
    )


def tool(core: Core, name: str) -> str:
    """Return the path of a program that makes code for `core`: its "gcc", "size", "nm".

    Raises
    ------
    ToolError
        When it is not installed, or the core is one whose tools PlatformIO brings.
    """
    if core.architecture is None:
        raise ToolError(
            f"no compiler for {core.name}: only those for Cortex-M and RISC-V are used directly",
            "choose a board with such a core",
        )
    return programs.require(core.architecture.prefix + name)


def host_compiler(name: str | None = None) -> str:
    """Return the path of the host's C compiler: `name`, or the first of gcc, clang and cc.

    Raises
    ------
    ToolError
        When there is none.
    """
    for candidate in (name,) if name else ("gcc", "clang", "cc"):
        if found := shutil.which(candidate):
            return found
    if name:
        raise ToolError(f"{name} is not on the PATH", "name another C compiler, or none")
    return programs.require("gcc")


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run a compiler in `folder` and return what it printed.

    Raises
    ------
    ToolError
        With the first error line, when it fails or takes too long.
    """
    program = Path(command[0]).name
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{program} did not end within {_TIMEOUT_S} s") from error
    except OSError as error:
        raise ToolError(f"{program} cannot be run: {error}") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        first = next((line for line in lines if "error" in line.lower()), lines[0])
        raise ToolError(
            f"{program} failed with exit code {done.returncode}: {first}",
            "generated code should always compile: please open an issue with the model",
        )
    return done.stdout
