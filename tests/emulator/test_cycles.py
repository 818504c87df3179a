"""Modelled cycles: Arm's table applied to single instructions, and to whole models, counted."""

from __future__ import annotations

from pathlib import Path

import networks
import numpy as np
import pytest
from firmware import Case, run

from tinykit import board as boards
from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.cycles import modelled
from tinykit.cycles.cortex_m4 import Instruction, cycles, parse

TIMES = {
    "smlad\tr0, r1, r2, r0": 1,
    "muls\tr0, r1": 1,
    "sdiv\tr0, r1, r2": 7,
    "ldr\tr0, [r1, #4]": 2,
    "ldrsb.w\tr0, [r1], #1": 2,
    "str\tr0, [r1, #4]": 1,
    "str.w\tr0, [r1, r2, lsl #2]": 2,
    "ldrd\tr0, r1, [r2], #8": 3,
    "push\t{r4, r5, r6, lr}": 5,
    "ldmia.w\tr8!, {r0, r1, r2-r5}": 7,
    "bne.n\t100 <f>": 1,
}
"""Cycles in the table of Arm 100166, 3.3.1 and 3.3.3; a jump's refill is counted by block."""


def _one(text: str) -> Instruction:
    (found,) = parse(f"     100:\t{text}")
    return found


def test_every_line_of_a_disassembly_is_an_instruction() -> None:
    """One without a comment behind it does not take the next line for its operands."""
    listing = "  88:\tmla\tr3, r5, r3, r4\n  8c:\tnop\n  8e:\tldr\tr4, [pc, #28]\t@ (a4)\n"
    found = [(one.address, one.name, one.operands.strip()) for one in parse(listing)]
    assert found == [
        (0x88, "mla", "r3, r5, r3, r4"),
        (0x8C, "nop", ""),
        (0x8E, "ldr", "r4, [pc, #28]"),
    ]


@pytest.mark.parametrize("text", TIMES)
def test_instructions_take_what_the_table_says(text: str) -> None:
    """With nothing before them that could matter."""
    assert cycles(_one(text), None) == TIMES[text]


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ("ldr\tr0, [r1]", "ldr\tr2, [r3]", 1),
        ("ldr\tr3, [r1]", "ldr\tr2, [r3]", 2),
        ("ldrd\tr0, r1, [r2]", "ldr\tr2, [r3]", 2),
        ("add.w\tr3, r3, #4", "ldr\tr2, [r3]", 3),
        ("cmp\tr3, #4", "ldr\tr2, [r3]", 2),
    ],
)
def test_loads_depend_on_what_was_before(before: str, text: str, expected: int) -> None:
    """Pipelined behind another load, unless the address is only just made."""
    assert cycles(_one(text), _one(before)) == expected


@pytest.mark.emulator
def test_blocks_account_for_every_instruction(tmp_path: Path) -> None:
    """What the plugin counts is what the timer counts; each op has its part."""
    compiled = compile_model(networks.ds_cnn(channels=8), CORES["cortex-m4f"])
    found = modelled(compiled, boards.find("mps2-an386"))
    assert found is not None
    inputs = [np.zeros((1, 1, 8, 6, 1), np.int8)]
    (timed,) = run({"model": Case(compiled, inputs)}, tmp_path)["model"].instructions
    counted = sum(found.instructions.values())
    assert abs(counted - timed) < 0.01 * timed
    assert {step.op.index for step in compiled.plan.steps} == set(found.cycles) - {-1}
    assert counted < found.total < 3 * counted


def test_cores_without_a_table_have_no_cycles() -> None:
    """Arm publishes no table for a Cortex-M7: nothing is made up."""
    compiled = compile_model(networks.ds_cnn(), CORES["cortex-m7"])
    assert modelled(compiled, boards.find("mps2-an500")) is None
