"""Devices for the tests: one small model in Python, and in the C harness on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from device_twin import (
    INCLUDES,
    ROOT,
    SANITIZE,
    SOURCES,
    STRICT,
    Device,
    HarnessProcess,
    fake_device,
)

Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def harness_program(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compile the harness for this machine, strictly and with sanitizers; once for each flag."""
    programs: dict[tuple[str, ...], Path] = {}

    def build(*flags: str) -> Path:
        if flags not in programs:
            program = tmp_path_factory.mktemp("harness") / "harness"
            sources = [*SOURCES.glob("*.c"), *(ROOT / "templates" / "harness").glob("*.c")]
            command = ["gcc", *STRICT, *SANITIZE, "-D_POSIX_C_SOURCE=200809L", *flags]
            command += [f"-I{folder}" for folder in INCLUDES]
            subprocess.run([*command, *map(str, sources), "-o", str(program)], check=True)
            programs[flags] = program
        return programs[flags]

    return build


@pytest.fixture(params=["fake", pytest.param("c", marks=pytest.mark.host)])
def device(request: pytest.FixtureRequest, harness_program: Compile) -> Iterator[Device]:
    """The model behind a transport: in Python, and in C."""
    made = fake_device() if request.param == "fake" else HarnessProcess(harness_program())
    yield made
    made.close()


@pytest.fixture(params=["fake", pytest.param("c", marks=pytest.mark.host)])
def trace_device(request: pytest.FixtureRequest, harness_program: Compile) -> Iterator[Device]:
    """The same as a trace build."""
    fake = request.param == "fake"
    made = fake_device(trace=True) if fake else HarnessProcess(harness_program("-DTK_TRACE"))
    yield made
    made.close()
