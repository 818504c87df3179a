"""Kernel headers are C99 that every compiler accepts without a word."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tinykit.board import CORES
from tinykit.compiler.emit import KERNEL_DIR
from tinykit.compiler.lower import HOST_VARIANTS
from tinykit.compiler.toolchain import STRICT_FLAGS

HEADERS = sorted(path.name for path in KERNEL_DIR.glob("tk_*.h"))
VARIANT = re.compile(r"(dsp|helium)\.h$")  # made of one core's instructions
COMPILERS = {
    "gcc": ["gcc"],
    "clang": ["clang"],
    "cortex-m0": ["arm-none-eabi-gcc", *CORES["cortex-m0"].gcc_flags],
    "cortex-m4f": ["arm-none-eabi-gcc", *CORES["cortex-m4f"].gcc_flags],
    "cortex-m55": ["arm-none-eabi-gcc", *CORES["cortex-m55"].gcc_flags],
}


def _is_for(name: str, compiler: str) -> bool:
    made_for = VARIANT.search(name)
    kernels = CORES[compiler].kernels if compiler in CORES else HOST_VARIANTS
    return not made_for or made_for[1] in kernels


@pytest.mark.host
@pytest.mark.parametrize("compiler", COMPILERS)
def test_each_header_compiles_alone(compiler: str, tmp_path: Path) -> None:
    """A header includes all it needs, and no strict warning finds anything in it."""
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    for name in HEADERS:
        if not _is_for(name, compiler):
            continue
        source = tmp_path / f"{name}.c"
        source.write_text(f'#include "{name}"\n')
        flags = ["-std=c99", *STRICT_FLAGS, "-Werror", "-fsyntax-only", f"-I{KERNEL_DIR}"]
        done = subprocess.run(
            [*command, *flags, source], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", HEADERS)
def test_header_guard_has_the_name_of_the_file(name: str) -> None:
    """No two headers can hide each other."""
    text = (KERNEL_DIR / name).read_text()
    guard = name.replace(".", "_").upper()
    assert f"#ifndef {guard}\n#define {guard}\n" in text


@pytest.mark.parametrize("name", HEADERS)
def test_header_opens_with_its_purpose(name: str) -> None:
    """A reader learns first what the file is for."""
    assert (KERNEL_DIR / name).read_text().startswith("/* ")


@pytest.mark.parametrize("name", HEADERS)
def test_header_uses_neither_float_nor_libc(name: str) -> None:
    """No floating point, and of the C library only memcpy and memset."""
    code = re.sub(r"/\*.*?\*/", "", (KERNEL_DIR / name).read_text(), flags=re.DOTALL)
    assert not re.search(r"\b(float|double|malloc|free|memmove|printf|abs)\b", code)
    included = set(re.findall(r"#include <([^>]+)>", code))
    assert included <= {"stdint.h", "string.h", "stddef.h", "arm_acle.h", "arm_mve.h"}
