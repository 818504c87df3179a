"""What is read of objdump's lines."""

from __future__ import annotations

import pytest

from tinykit.cycles.disassembly import Instruction, block, parse

LISTING = """\
00000088 <f>:
      88:\tmla\tr3, r5, r3, r4
      8c:\tnop
      8e:\tldr.w\tr4, [pc, #28]\t@ (a4 <f+0x1c>)
      92:\tbne.n\t88 <f>
      94:\t.word\t0x0019660d
"""


def test_every_line_is_an_instruction() -> None:
    """One without a comment behind it does not take the next line for its operands."""
    assert parse(LISTING)[:3] == [
        Instruction(0x88, "mla", "r3, r5, r3, r4"),
        Instruction(0x8C, "nop", ""),
        Instruction(0x8E, "ldr", "r4, [pc, #28]"),
    ]


def test_a_block_begins_at_an_instruction() -> None:
    """An address between two instructions, or a block that is too long, is an error."""
    program = parse(LISTING)
    assert [one.name for one in block(program, 0x8C, 2)] == ["nop", "ldr"]
    for address, count in ((0x90, 1), (0x92, 9)):
        with pytest.raises(LookupError):
            block(program, address, count)


def test_operands_are_told_apart() -> None:
    """Commas inside brackets and braces separate nothing; ranges of registers are written out."""
    found = Instruction(0, "ldr", "ip, [r1, r2, lsl #2], #4")
    assert found.parts == ["ip", "[r1, r2, lsl #2]", "#4"]
    assert found.address_registers == {"r1", "r2"}
    listed = Instruction(0, "push", "{r4, r6-r8, sl, lr}")
    assert listed.parts == ["{r4, r6-r8, sl, lr}"]
    assert listed.registers == ["r4", "r6", "r7", "r8", "r10", "lr"]


@pytest.mark.parametrize(
    ("name", "operands", "branches", "chooses", "target"),
    [
        ("b", "88 <f>", True, False, 0x88),
        ("bls", "88 <f>", True, True, 0x88),
        ("cbz", "r4, a0a <f+0x982>", True, True, 0xA0A),
        ("bx", "lr", True, False, None),
        ("bics", "r4, r5", False, False, None),
    ],
)
def test_branches(
    name: str, operands: str, branches: bool, chooses: bool, target: int | None
) -> None:
    """A branch is known by its whole name, and where it leads by what objdump writes."""
    found = Instruction(0, name, operands)
    assert (found.branches, found.chooses, found.target) == (branches, chooses, target)
