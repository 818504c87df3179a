"""The programs that building and emulating need, and how to get them."""

from __future__ import annotations

import shutil

from tinykit.errors import ToolError

_APT = "sudo apt-get install -y --no-install-recommends "
_INSTALL = {
    # program: (what for, Debian/Ubuntu packages, Homebrew)
    "arm-none-eabi-gcc": (
        "compiles firmware for Cortex-M",
        "gcc-arm-none-eabi libnewlib-arm-none-eabi",
        "--cask gcc-arm-embedded",
    ),
    "riscv64-unknown-elf-gcc": (
        "compiles firmware for RISC-V",
        "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
        "riscv64-elf-gcc",
    ),
    "qemu-system-arm": ("plays the emulated Cortex-M boards", "qemu-system-arm", "qemu"),
    "qemu-system-riscv32": ("plays the emulated RISC-V boards", "qemu-system-misc", "qemu"),
}


def require(program: str) -> str:
    """Return the path of `program`.

    Raises
    ------
    ToolError
        When it is not on the PATH, with the command that installs it.
    """
    path = shutil.which(program)
    if path is None:
        raise ToolError(
            f"{program} is not on the PATH; it {_INSTALL[program][0]}", install_hint(program)
        )
    return path


def install_hint(program: str) -> str:
    """Return the command that installs `program` on this system."""
    _, apt, brew = _INSTALL[program]
    if shutil.which("brew") and not shutil.which("apt-get"):
        return f"brew install {brew}"
    return _APT + apt
