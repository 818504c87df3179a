"""How long instructions take on a Cortex-M4, after Arm's own table.

Arm 100166, "Cortex-M4 Processor Technical Reference Manual" r0p1, 3.3.1 (table of processor
instructions) and 3.3.3 (load/store timings), for memory without wait states. What the table leaves
open is fixed here: a pipeline refill P takes 2 cycles (1 to 3), a division 7 (2 to 12), an
instruction of an IT block that is skipped as long as one that is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

REFILL = 2
"""Cycles of a pipeline refill, P, when a branch is taken."""

_DIVISION = 7
_LINE = re.compile(r"^ *([0-9a-f]+):\t(\S+)(?:\t([^;@\n]*))?", re.MULTILINE)
_REGISTER = re.compile(r"\b(r1[0-2]|r\d|sp|lr|pc|ip|fp|sl|s\d+|d\d+)\b")
_RANGE = re.compile(r"\b([rsd])(\d+)-[rsd](\d+)\b")
_ALIASES = {"sl": "r10", "fp": "r11", "ip": "r12"}
_CONDITIONS = "eq ne cs cc mi pl vs vc hi ls ge lt gt le hs lo"
_BRANCH = re.compile(rf"^(b|bl|bx|blx|cbz|cbnz)({_CONDITIONS.replace(' ', '|')})?$")


@dataclass(frozen=True)
class Instruction:
    """One line of a disassembly."""

    address: int
    name: str  # without width and condition-independent suffixes: "ldr"
    operands: str

    @property
    def loads_or_stores(self) -> bool:
        """Whether it is a single load or store, the kind that is pipelined."""
        multiple = self.name.startswith(("ldrd", "strd", "ldm", "stm"))
        return self.name.startswith(("ldr", "str", "vldr", "vstr")) and not multiple

    @property
    def registers(self) -> list[str]:
        """The registers that it names, in order."""
        return [_ALIASES.get(name, name) for name in _REGISTER.findall(self.operands)]

    @property
    def address_registers(self) -> set[str]:
        """Those inside square brackets."""
        inside = re.search(r"\[([^\]]*)\]", self.operands)
        return set(_REGISTER.findall(inside[1])) if inside else set()


def parse(disassembly: str) -> list[Instruction]:
    """Return the instructions of `objdump -d --no-show-raw-insn`, by address."""
    found = [
        Instruction(int(address, 16), name.removesuffix(".w").removesuffix(".n"), operands or "")
        for address, name, operands in _LINE.findall(disassembly)
    ]
    return sorted(found, key=lambda one: one.address)


def cycles(one: Instruction, before: Instruction | None) -> int:
    """Return the cycles of an instruction behind `before`, the refill of a taken branch aside."""
    name = one.name
    if name.startswith(("sdiv", "udiv")):
        return _DIVISION
    if name.startswith(("ldrd", "strd")):
        return 3
    if name.startswith(("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")):
        return 1 + _listed(one.operands)
    if name in ("tbb", "tbh"):
        return 2
    if one.loads_or_stores:
        return _single(one, before)
    return 1


def _single(one: Instruction, before: Instruction | None) -> int:
    """Return the cycles of a load or store: 2, behind a load 1, while its address is made 3."""
    stores = one.name.startswith(("str", "vstr"))
    own = 1 if stores and not re.search(r"\[\w+, \w+", one.operands) else 2  # no register offset
    if before is None or not before.registers:
        return own
    needed = before.registers[0] in {_ALIASES.get(n, n) for n in one.address_registers}
    if before.name.startswith(("ldr", "vldr")) and before.loads_or_stores:
        return own if needed or own == 1 else 1
    if before.loads_or_stores or _BRANCH.match(before.name) or before.name.startswith("cmp"):
        return own
    return own + needed


def _listed(operands: str) -> int:
    """Return how many registers a list in braces names."""
    listed = operands[operands.find("{") + 1 : operands.find("}")]
    ranges = _RANGE.findall(listed)
    single = len(_REGISTER.findall(_RANGE.sub("", listed)))
    return single + sum(int(last) - int(first) + 1 for _, first, last in ranges)
