"""Modelled cycles of whole models: blocks that were counted in the emulator, timed."""

from __future__ import annotations

from pathlib import Path

import networks
import numpy as np
import pytest
from firmware import Case, run

from tinykit import board as boards
from tinykit.compiler import compile_model
from tinykit.cycles import modelled


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("board", "least", "most"),
    [("mps2-an386", 1.0, 3.0), ("mps2-an500", 0.5, 2.0)],  # cycles for an instruction
)
def test_blocks_account_for_every_instruction(
    board: str, least: float, most: float, tmp_path: Path
) -> None:
    """What the plugin counts is what the timer counts; each op has its part, always the same."""
    target = boards.find(board)
    compiled = compile_model(networks.ds_cnn(channels=8), target.processor)
    found = modelled(compiled, target)
    assert found is not None
    inputs = [np.zeros((1, 1, 8, 6, 1), np.int8)]
    (timed,) = run({"model": Case(compiled, inputs)}, tmp_path)["model"].instructions
    counted = sum(found.instructions.values())
    assert abs(counted - timed) < 0.01 * timed
    assert {step.op.index for step in compiled.plan.steps} == set(found.cycles) - {-1}
    assert least < found.per_instruction < most
    assert modelled(compiled, target) == found


def test_cores_without_a_timing_have_no_cycles() -> None:
    """Nothing is published for a Cortex-M33: nothing is made up."""
    target = boards.find("mps2-an505")
    assert modelled(compile_model(networks.ds_cnn(), target.processor), target) is None
