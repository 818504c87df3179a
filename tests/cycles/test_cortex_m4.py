"""Arm's table for the Cortex-M4, applied to single instructions and to blocks."""

from __future__ import annotations

import pytest

from tinykit.cycles.cortex_m4 import cycles, instruction
from tinykit.cycles.disassembly import Instruction, parse

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


@pytest.mark.parametrize("text", TIMES)
def test_instructions_take_what_the_table_says(text: str) -> None:
    """With nothing before them that could matter."""
    assert instruction(_one(text), None) == TIMES[text]


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
    assert instruction(_one(text), _one(before)) == expected


def test_a_jump_costs_a_refill() -> None:
    """A block's instructions count at each execution, the refill where it was left by a jump."""
    code = [_one("ldr\tr0, [r1, #4]"), _one("bne.n\t100 <f>")]
    assert cycles(code, executions=10, jumps=9) == 10 * (2 + 1) + 9 * 2
