"""A public recurrent enhancer on an emulated Cortex-M4F: its state holds over a long recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from firmware import Case, run

from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden

pytestmark = [pytest.mark.emulator, pytest.mark.public_models]

FRAMES = 500
PEER_INSTRUCTIONS = 748_240
"""Of one frame on this core with TFLM and CMSIS-NN (TARGETS.md): to be beaten by two."""


def test_state_is_that_of_the_golden_interpreter(shared_models: Path, tmp_path: Path) -> None:
    """Five hundred frames, quiet and loud ones, without a reset: every byte, in half the time."""
    data = (shared_models / "dtln.tflite").read_bytes()
    model = compile_model(data, CORES["cortex-m4f"])
    rng = np.random.default_rng(0)
    loudness = np.repeat(rng.integers(1, 129, FRAMES // 10), 10)[:, None, None, None]
    frames = np.clip(rng.normal(-20, loudness, (FRAMES, 1, 1, 257)), -128, 127).astype(np.int8)
    ran = run({"dtln": Case(model, [frames], keep_state=True)}, tmp_path)["dtln"]
    with Golden(data) as golden:
        (expected,) = golden.run_many([frames])
    np.testing.assert_array_equal([row[0] for row in ran.outputs], expected)
    assert max(ran.instructions) < PEER_INSTRUCTIONS / 2, max(ran.instructions)
