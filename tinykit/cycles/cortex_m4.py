"""How long code takes on a Cortex-M4, after Arm's own table.

Arm 100166, "Cortex-M4 Processor Technical Reference Manual" r0p1, 3.3.1 (table of processor
instructions) and 3.3.3 (load/store timings), for memory without wait states. What the table leaves
open is fixed here: a pipeline refill P takes 2 cycles (1 to 3), a division 7 (2 to 12), an
instruction of an IT block that is skipped as long as one that is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tinykit.cycles.disassembly import Instruction, registers

REFILL = 2
"""Cycles of a pipeline refill, P, when a branch is taken."""

METHOD = (
    "modelled: executed instructions counted by a QEMU plugin, times the cycles of Arm 100166 "
    f"(Cortex-M4 TRM) 3.3; no wait states, pipeline refill {REFILL}"
)

_DIVISION = 7


def cycles(code: Sequence[Instruction], executions: int, jumps: int) -> int:
    """Return the cycles of a block that runs `executions` times and is left by `jumps` jumps."""
    pairs = zip(code, [None, *code[:-1]], strict=True)
    return executions * sum(instruction(one, before) for one, before in pairs) + jumps * REFILL


def instruction(one: Instruction, before: Instruction | None) -> int:
    """Return the cycles of an instruction behind `before`, the refill of a taken branch aside."""
    name = one.name
    if name.startswith(("sdiv", "udiv")):
        return _DIVISION
    if name.startswith(("ldrd", "strd")):
        return 3
    if name.startswith(("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")):
        return 1 + len(registers(one.operands[one.operands.find("{") :]))
    if name in ("tbb", "tbh"):
        return 2
    if _is_single(one):
        return _single(one, before)
    return 1


def _is_single(one: Instruction) -> bool:
    """Whether it loads or stores one register, the kind that is pipelined."""
    several = one.name.startswith(("ldrd", "strd", "ldm", "stm"))
    return one.name.startswith(("ldr", "str", "vldr", "vstr")) and not several


def _single(one: Instruction, before: Instruction | None) -> int:
    """Return the cycles of a load or store: 2, behind a load 1, while its address is made 3."""
    stores = one.name.startswith(("str", "vstr"))
    own = 1 if stores and not re.search(r"\[\w+, \w+", one.operands) else 2  # no register offset
    if before is None or not before.registers:
        return own
    needed = before.registers[0] in one.address_registers
    if before.name.startswith(("ldr", "vldr")) and _is_single(before):
        return own if needed or own == 1 else 1
    if _is_single(before) or before.branches or before.name.startswith("cmp"):
        return own
    return own + needed
