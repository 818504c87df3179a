"""Requantization in C equals the exact arithmetic in numpy, corner cases included."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tinykit.compiler import arithmetic, toolchain
from tinykit.compiler.emit import KERNEL_DIR

pytestmark = pytest.mark.host

SOURCE = """
#include "tk_requantize.h"
#define EXPORT(name, of) \\
    void name(const int32_t *a, const int32_t *m, const int32_t *s, int32_t *out, int32_t n) \\
    { for (int32_t i = 0; i < n; i++) out[i] = of(a[i], m[i], s[i]); }
EXPORT(plain, tk_requantize)
EXPORT(any, tk_requantize_any)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The functions over arrays, built with overflow checks that abort."""
    folder: Path = tmp_path_factory.mktemp("requantize")
    (folder / "r.c").write_text(SOURCE)
    flags = ["-std=c99", "-O2", "-ftrapv", "-shared", "-fPIC", f"-I{KERNEL_DIR}"]
    command = [toolchain.host_compiler(), *flags, "r.c", "-o", "r.so"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    return ctypes.CDLL(str(folder / "r.so"))


def _run(function: object, *columns: np.ndarray) -> np.ndarray:
    arrays = [np.ascontiguousarray(column, np.int32) for column in columns]
    out = np.empty_like(arrays[0])
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (*arrays, out)]
    function(*pointers, ctypes.c_int32(out.size))  # type: ignore[operator]
    return out


def _samples(limit: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    edges = np.array([0, 1, -1, 2, -2, 3, -3, limit, -limit, limit - 1, 1 - limit])
    powers = np.array([1 << n for n in range(31)])
    near = np.concatenate([powers, powers - 1, powers + 1])
    near = np.concatenate([near, -near, edges, rng.integers(-limit, limit, 20000)])
    accumulators = near[np.abs(near) <= limit]
    multipliers = rng.integers(1 << 30, 1 << 31, accumulators.size)
    multipliers[::7], multipliers[1::7], multipliers[2::7] = 1 << 30, (1 << 31) - 1, 0
    return accumulators, multipliers


@pytest.mark.parametrize("shift", range(1, 32))
def test_right_shifts(library: ctypes.CDLL, shift: int) -> None:
    """The short form, for accumulators up to 2^30: every right shift."""
    accumulators, multipliers = _samples(1 << 30)
    shifts = np.full_like(accumulators, shift)
    expected = arithmetic.multiply_by_quantized_multiplier(accumulators, multipliers, -shifts)
    np.testing.assert_array_equal(_run(library.plain, accumulators, multipliers, shifts), expected)


@pytest.mark.parametrize("shift", range(-30, 32))
def test_any_shift(library: ctypes.CDLL, shift: int) -> None:
    """The long form: every shift to the left and right that keeps the value within 32 bits."""
    accumulators, multipliers = _samples(arithmetic.INT32_MAX >> max(0, -shift))
    shifts = np.full_like(accumulators, shift)
    expected = arithmetic.multiply_by_quantized_multiplier(accumulators, multipliers, -shifts)
    np.testing.assert_array_equal(_run(library.any, accumulators, multipliers, shifts), expected)
