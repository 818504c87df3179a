"""The generated front end, compiled for the host: as a library, and as a sanitized program."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np

from tinykit.audio.frontend_c import sources
from tinykit.audio.spec import FeatureSpec

STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]

_PROGRAM = """
#include <stdio.h>
#include "tk_features.h"

/* stdin: samples; argument: how many to push at a time. stdout: rows. */
int main(int argc, char **argv)
{
    static int16_t samples[1 << 20];
    int8_t row[TK_FEATURES_WIDTH];
    uint32_t piece = 0;
    for (const char *digit = argc > 1 ? argv[1] : "1"; *digit; digit++)
        piece = 10 * piece + (uint32_t)(*digit - '0');
    const uint32_t count = (uint32_t)fread(samples, sizeof samples[0], 1 << 20, stdin);
    tk_features_reset();
    for (uint32_t at = 0, used = 0; at < count; at += used) {
        const uint32_t rest = count - at;
        if (tk_features_push(samples + at, rest < piece ? rest : piece, row, 1, &used))
            fwrite(row, sizeof row, 1, stdout);
    }
    return 0;
}
"""


def write(folder: Path, spec: FeatureSpec) -> Path:
    """Write the sources of `spec` to `folder`, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sources(spec).items():
        (folder / name).write_text(text)
    return folder


def compiler() -> str:
    """Return gcc, or clang where there is none."""
    return "gcc" if shutil.which("gcc") else "clang"


class Library:
    """The front end of `spec` in this process; one instance of its state."""

    def __init__(self, folder: Path, spec: FeatureSpec, *flags: str) -> None:
        write(folder, spec)
        command = [compiler(), *STRICT, "-O2", "-shared", "-fPIC", *flags, "tk_features.c"]
        subprocess.run([*command, "-o", "features.so"], cwd=folder, check=True, timeout=60)
        self._library = ctypes.CDLL(str(folder / "features.so"))
        self._width = spec.width

    def reset(self) -> None:
        """Forget all samples."""
        self._library.tk_features_reset()

    def push(self, samples: np.ndarray, max_rows: int = 4096) -> tuple[np.ndarray, int]:
        """Push int16 (n,); return int8 (rows, width) and how many samples were consumed."""
        samples = np.ascontiguousarray(samples, np.int16)
        rows = np.full((max_rows + 1, self._width), 77, np.int8)
        used = ctypes.c_uint32(12345)
        count = self._library.tk_features_push(
            samples.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_uint32(len(samples)),
            rows.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_uint32(max_rows),
            ctypes.byref(used),
        )
        assert (rows[count:] == 77).all(), "wrote beyond the rows that it returned"
        return rows[:count], used.value

    def run(self, samples: np.ndarray) -> np.ndarray:
        """Reset, push int16 (n,) at once and return int8 (rows, width)."""
        self.reset()
        rows, used = self.push(samples)
        assert used == len(samples)
        return rows


def sanitized(folder: Path, spec: FeatureSpec) -> Path:
    """Return a program with ASan and UBSan: samples on stdin, rows on stdout, piece as argument."""
    write(folder, spec)
    (folder / "main.c").write_text(_PROGRAM)
    flags = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = [compiler(), *STRICT, *flags, "main.c", "tk_features.c", "-o", "features"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    return folder / "features"
