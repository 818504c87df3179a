"""What every test may need: where shared files are, and skipping by name what cannot run here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# Test modules are imported by path, so two may have one name; what they share is found here.
_TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(_TESTS), *sorted(str(one) for one in _TESTS.iterdir() if one.is_dir())]

# Tests share one cache inside the checkout and leave the user's alone.
os.environ.setdefault("TINYKIT_CACHE", str(ROOT / ".cache" / "tests"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

hypothesis.settings.register_profile("tinykit", deadline=None, max_examples=50)
hypothesis.settings.load_profile("tinykit")


def _has(*programs: str) -> bool:
    return all(shutil.which(program) for program in programs)


NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "host": (lambda: _has("gcc") or _has("clang"), "no host C compiler (gcc or clang)"),
    "emulator": (
        lambda: _has("arm-none-eabi-gcc", "qemu-system-arm"),
        "arm-none-eabi-gcc or qemu-system-arm is missing",
    ),
    "riscv": (
        lambda: _has("riscv64-unknown-elf-gcc", "qemu-system-riscv32"),
        "riscv64-unknown-elf-gcc or qemu-system-riscv32 is missing",
    ),
    "training": (
        lambda: importlib.util.find_spec("tensorflow") is not None,
        "the train extra (TensorFlow) is not installed",
    ),
    "recorded": ((SHARED / "data").is_dir, "no ../shared/data (recorded speech)"),
    "public_models": ((SHARED / "models").is_dir, "no ../shared/models (public models)"),
    "hardware": (
        lambda: "TINYKIT_PORT" in os.environ,
        "no board: set TINYKIT_PORT, TINYKIT_BOARD",
    ),
}
"""Marker -> (whether its tests can run here, why not)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, saying why, each test whose marker names something that is not here."""
    missing = {name: reason for name, (here, reason) in NEEDS.items() if not here()}
    for item in items:
        for name, reason in missing.items():
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """`../shared/data`: mark the test `recorded`."""
    return SHARED / "data"


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """`../shared/models`: mark the test `public_models`."""
    return SHARED / "models"
