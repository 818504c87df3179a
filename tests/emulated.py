"""The emulated boards as parameters of a test, each with the marker of the tools it needs."""

from __future__ import annotations

import pytest

from tinykit import board
from tinykit.board import RISCV

EMULATED = [
    pytest.param(name, marks=[pytest.mark.riscv] if chosen.processor.architecture == RISCV else [])
    for name in board.ids()
    if (chosen := board.find(name)).emulator
]
