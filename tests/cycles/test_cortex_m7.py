"""The rules for a Cortex-M7, each on code of a few instructions.

All but the last three of RULES are as J. Olejarz measured them (pipeline cycle test, Cortex-M7).
"""

from __future__ import annotations

import pytest

from tinykit.cycles.cortex_m7 import MISPREDICTED, cycles
from tinykit.cycles.cortex_m7.issue import duration
from tinykit.cycles.disassembly import Instruction, parse

RULES = [
    ("two simple operations a cycle", "add r0, r1, r2; add r3, r4, r5", 1),
    ("three need two", "add r0, r1, r2; eor r3, r4, r5; orr r6, r7, r8", 2),
    ("early result to late ALU at once", "add r0, r1, r2; eor r3, r0, r5", 1),
    ("late result a cycle later", "eor r0, r1, r2; add r3, r0, r5", 2),
    ("movw and movt pair", "movw r0, #1; movt r0, #2", 1),
    ("shifted operand is needed early", "eor r0, r1, r2; nop; eor r3, r4, r0, lsl #2", 3),
    ("early result does for it", "add r0, r1, r2; nop; eor r3, r4, r0, lsl #2", 2),
    ("no two shifted operands", "add r0, r1, r2, lsl #1; add r3, r4, r5, lsl #1", 2),
    ("shifted constants neither", "add r0, r1, #8000; add r3, r4, #8000", 2),
    ("patterns do", "add r0, r1, #65537; add r3, r4, #16711935", 1),
    ("12 bits do", "addw r0, r1, #489; addw r3, r4, #489", 1),
    ("a move that shifts is a shift", "mov.w r0, r1, lsr #31; add r3, r4, r5", 1),
    ("lanes: not two", "sxtb16 r0, r1; sxtb16 r2, r3", 2),
    ("lanes: only the older", "add r0, r1, r2; sxtb16 r3, r4", 2),
    ("lanes: with an ALU operation", "sxtb16 r3, r4; add r0, r1, r2", 1),
    ("lanes: not as an address at once", "uxtb r0, r1; nop; ldr r2, [r3, r0]", 3),
    ("field: not with a shifted operand", "ubfx r0, r1, #2, #3; add r2, r3, r4, lsl #1", 2),
    ("field: its operand early", "eor r0, r1, r2; nop; ubfx r3, r0, #2, #3", 3),
    ("extension and sum: second early", "eor r0, r1, r2; nop; sxtab16 r3, r4, r0", 3),
    ("extension and sum: first late", "eor r0, r1, r2; nop; sxtab16 r3, r0, r4", 2),
    ("not two products", "mul r0, r1, r2; mul r3, r4, r5", 2),
    ("product after two cycles", "mul r0, r1, r2; add r3, r0, r4", 3),
    ("sums of products each cycle", "smlad r0, r1, r2, r0; smlad r0, r3, r4, r0", 2),
    ("of 64 bits too", "smlal r0, r1, r2, r3; smlal r0, r1, r4, r5", 2),
    ("not a product as a factor", "mla r0, r1, r2, r3; mla r4, r0, r5, r6", 3),
    ("product with a load", "smlad r0, r1, r2, r0; ldr r3, [r4]", 1),
    ("product not with a store", "smlad r0, r1, r2, r0; str r3, [r4]", 2),
    ("product with a shifted operand", "smlabb r0, r1, r2, r0; add r3, r4, r5, lsl #1", 1),
    ("word to an ALU", "ldr r0, [r1]; add r2, r0, r3", 2),
    ("word to a shifted operand", "ldr r0, [r1]; add r2, r3, r0, lsl #1", 3),
    ("word to a product", "ldr r0, [r1]; mul r2, r0, r3", 3),
    ("word to an addend", "ldr r0, [r1]; mla r2, r3, r4, r0", 2),
    ("word to an address", "ldr r0, [r1]; ldr r2, [r0]", 3),
    ("byte to an ALU", "ldrsb r0, [r1]; add r2, r0, r3", 3),
    ("byte to an early operand", "ldrb r0, [r1]; add r2, r3, r0, lsl #1", 4),
    ("byte to an addend", "ldrb r0, [r1]; mla r2, r3, r4, r0", 2),
    ("two words of two banks", "ldr r0, [r1, #4]; ldr r2, [r1, #8]", 1),
    ("two words of one bank", "ldr r0, [r1, #4]; ldr r2, [r1, #12]", 2),
    ("the address moves on", "ldr r0, [r1], #4; ldr r2, [r1], #4", 2),
    ("not two stores", "str r0, [r1]; str r2, [r1, #4]", 2),
    ("store and load", "str r0, [r1]; ldr r2, [r3]", 1),
    ("a result is stored at once", "sub r0, r1, r2; str r0, [r3]", 1),
    ("a loaded byte, too", "ldrb r0, [r1]; strb r0, [r3]", 1),
    ("a pair of words is alone", "ldrd r0, r1, [r2]; add r3, r4, r5", 2),
    ("lists: two words a cycle", "ldmia r0!, {r1-r4, r6}; add r7, r8, r9", 4),
    ("push", "push {r4, r5, r6, lr}; nop", 3),
    ("a branch pairs with what is before", "subs r0, r0, #1; bne 200 <f>", 1),
    ("if-then takes a place", "cmp r0, r1; it lt; movlt r2, r3; nop", 2),
    ("flags a cycle later", "adds r0, r1, r2; adc r3, r4, r5", 2),
    # LLVM's ARMScheduleM7.td
    ("saturated result is late", "ssat r0, #8, r1; nop; add r3, r0, r4", 3),
    ("division", "sdiv r0, r1, r2; add r3, r0, r4", 8),
    # by us
    ("loads of unknown banks do not pair", "ldr r0, [r1]; ldr r2, [r3]", 2),
]


def _code(text: str) -> list[Instruction]:
    lines = (line.partition(" ") for line in text.split("; "))
    listing = (f"{256 + 4 * i:8x}:\t{name}\t{rest}" for i, (name, _, rest) in enumerate(lines))
    return parse("\n".join(listing))


@pytest.mark.parametrize(("rule", "text", "expected"), RULES, ids=[rule[0] for rule in RULES])
def test_rules(rule: str, text: str, expected: int) -> None:
    """Cycles from the issue of the first instruction to that of the next block."""
    assert duration(_code(text)) == expected


def test_a_loop_waits_for_its_own_results() -> None:
    """A product that the next round multiplies again: two cycles a round, beside one outside."""
    code = _code("mul r0, r0, r1; subs r2, r2, #1; bne 100 <f>")
    assert duration(code) == 2
    chained = _code("mul r0, r0, r1; bne 100 <f>")
    assert duration(chained) == 1
    assert cycles(chained, executions=100, jumps=99) == 100 * 2 + MISPREDICTED


@pytest.mark.parametrize(("jumps", "surprises"), [(0, 0), (3, 3), (99, 1), (50, 50)])
def test_branches_go_the_way_they_mostly_go(jumps: int, surprises: int) -> None:
    """The rarer way of a branch that chooses is mispredicted; any other branch never is."""
    assert cycles(_code("bne 400 <f>"), 100, jumps) == 100 + surprises * MISPREDICTED
    assert cycles(_code("b 400 <f>"), 100, 100) == 100


def test_a_skipped_instruction_keeps_what_was_there() -> None:
    """With a condition its old result is an operand: it waits for the load before."""
    assert duration(_code("ldrb r0, [r1]; movlt r0, r2")) == 3
    assert duration(_code("ldrb r0, [r1]; mov r0, r2")) == 1


def test_what_is_not_known_issues_alone() -> None:
    """It pairs with nothing, and its first register is taken for its result."""
    assert duration(_code("mrs r0, CONTROL; add r1, r2, r3")) == 2
