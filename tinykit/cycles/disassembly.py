"""The instructions of a program, as objdump prints them."""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINE = re.compile(r"^ *([0-9a-f]+):\t([a-z]\S*)(?:\t([^;@\n]*))?", re.MULTILINE)
_REGISTER = re.compile(r"\b(r1[0-2]|r\d|sp|lr|pc|ip|fp|sl|s\d+|d\d+)\b")
_RANGE = re.compile(r"\b([rsd])(\d+)-[rsd](\d+)\b")
_ALIASES = {"sl": "r10", "fp": "r11", "ip": "r12"}
_COMMA = re.compile(r",\s*(?![^\[{]*[\]}])")  # none inside brackets or braces
_CONDITIONS = "eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|hs|lo"
_BRANCH = re.compile(rf"(b|bl|bx|blx|cbz|cbnz)({_CONDITIONS})?")
_TARGET = re.compile(r"\b([0-9a-f]+) <")


@dataclass(frozen=True)
class Instruction:
    """One line of a disassembly.

    name : without the width: `ldr`, not `ldr.w`.
    """

    address: int
    name: str
    operands: str

    @property
    def parts(self) -> list[str]:
        """The operands one by one: `r4`, `[r0, #4]`, `{r5-r7, lr}`, `lsl #2`."""
        return _COMMA.split(self.operands) if self.operands else []

    @property
    def registers(self) -> list[str]:
        """The registers that it names, in order."""
        return registers(self.operands)

    @property
    def address_registers(self) -> set[str]:
        """Those inside square brackets."""
        inside = re.search(r"\[([^\]]*)\]", self.operands)
        return set(registers(inside[1])) if inside else set()

    @property
    def branches(self) -> bool:
        """Whether it is a branch, a call or a return by `bx`."""
        return _BRANCH.fullmatch(self.name) is not None

    @property
    def chooses(self) -> bool:
        """Whether it is a branch that may or may not be taken."""
        found = _BRANCH.fullmatch(self.name)
        return found is not None and (found[2] is not None or found[1] in ("cbz", "cbnz"))

    @property
    def target(self) -> int | None:
        """The address to which a branch leads, if it names one."""
        found = _TARGET.search(self.operands) if self.branches else None
        return int(found[1], 16) if found else None


def registers(text: str) -> list[str]:
    """Return the registers that a text names, in order; ranges (`r4-r7`) are written out."""
    spread = _RANGE.sub(_written_out, text)
    return [_ALIASES.get(name, name) for name in _REGISTER.findall(spread)]


def _written_out(found: re.Match[str]) -> str:
    return ", ".join(f"{found[1]}{i}" for i in range(int(found[2]), int(found[3]) + 1))


def without_condition(name: str) -> str:
    """Return a name without the condition at its end: `mov` for `movge`."""
    return re.sub(rf"({_CONDITIONS})$", "", name)


def parse(disassembly: str) -> list[Instruction]:
    """Return the instructions of `objdump -d --no-show-raw-insn`, by address."""
    found = [
        Instruction(
            int(address, 16),
            name.removesuffix(".w").removesuffix(".n"),
            (operands or "").strip(),
        )
        for address, name, operands in _LINE.findall(disassembly)
    ]
    return sorted(found, key=lambda one: one.address)


def block(program: Sequence[Instruction], address: int, count: int) -> Sequence[Instruction]:
    """Return `count` instructions of a program from an address on.

    Raises
    ------
    LookupError
        When no instruction begins there.
    """
    first = bisect.bisect_left(program, address, key=lambda one: one.address)
    found = program[first : first + count]
    if len(found) < count or found[0].address != address:
        raise LookupError(f"0x{address:x}: {count} instructions are not in the disassembly")
    return found
