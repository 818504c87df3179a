"""Public models on every emulated core: the golden bytes, and the same count in every run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from emulated import EMULATED

pytestmark = [pytest.mark.emulator, pytest.mark.public_models, pytest.mark.slow]


def bench(model: Path, name: str) -> dict[str, Any]:
    """Return what `tinykit bench --json` says."""
    command = [sys.executable, "-m", "tinykit", "bench", str(model), "--board", name, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", EMULATED)
@pytest.mark.parametrize("model", ["kws_ref", "micro_speech"])
def test_model_is_exact_and_its_count_is_the_same_again(shared_models, model, name):
    """Models that fit 16 KiB of RAM run on every core, down to the Cortex-M0."""
    first, second = (bench(shared_models / f"{model}.tflite", name) for _ in range(2))
    assert first["exact"]
    assert first["instructions"] == second["instructions"]
    assert first["instructions"] > first["macs"] / 4  # Helium's best are four in an instruction
