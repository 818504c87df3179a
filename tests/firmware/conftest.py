"""An emulator that is stopped whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tinykit.firmware.build import Firmware
from tinykit.firmware.runners import Running
from tinykit.firmware.runners.qemu import RUNNER

Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a firmware in the emulator, with its state in `tmp_path / "state"`."""
    state = tmp_path / "state"

    def flash(firmware: Firmware, **options: object) -> Running:
        return RUNNER.flash(firmware, state, lifetime_s=120, **options)  # type: ignore[arg-type]

    yield flash
    RUNNER.stop(state)
