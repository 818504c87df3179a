"""What the scheduler knows of an instruction, and when operands and results are there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from tinykit.cycles.disassembly import registers

CYCLE = 2
"""Times in the pipeline are half cycles, counted from the issue of an instruction.

The rules tell latencies. These times are the smallest ones that give all of them: an early result
is there for a late operand of the same cycle, a word from memory one cycle later for the ALU and
two for a multiplier, a product two cycles later, but one for the next sum, and so on.
"""

# An operand must be there by:
EARLY = 3  # addresses; what goes through the shifter in front of the ALU
FACTOR = 4  # what is multiplied
LATE = 5  # any other operand of an ALU
ADDEND = 6  # what a product is added to
STORED = 8

# A result is there at:
BY_EARLY_ALU = 4
BY_LATE_ALU = 6
WORD = 7  # from memory
BYTE = 8  # from memory, and halfwords
PRODUCT = 8
SATURATED = 8
FLOAT = 11

FLAGS = "flags"

Operand = tuple[str, int]
"""A register, or FLAGS, and one of the times above."""


class Unit(Enum):
    """What carries an instruction out.

    BITS : fields of bits and lanes of a word, which only the older of a pair can be.
    ALONE : takes part in no pair.
    """

    ALU = auto()
    BITS = auto()
    MULTIPLIER = auto()
    LOAD = auto()
    STORE = auto()
    BRANCH = auto()
    ALONE = auto()


@dataclass(frozen=True)
class Operation:
    """An instruction as the scheduler sees it.

    cycles : before the next instruction can issue.
    early : the early ALU can do it if all operands are there by EARLY.
    shifts : keeps the shifter in front of the ALU.
    shifted : has an operand that must go through that shifter.
    word : base register and offset of a load, where the instruction tells them.
    """

    unit: Unit
    reads: tuple[Operand, ...] = ()
    writes: tuple[Operand, ...] = ()
    cycles: int = 1
    early: bool = False
    shifts: bool = False
    shifted: bool = False
    word: tuple[str, int] | None = None


def operands(texts: Iterable[str], when: int) -> tuple[Operand, ...]:
    """Return all registers of some parts of an instruction, with one time."""
    return tuple((register, when) for text in texts for register in registers(text))
