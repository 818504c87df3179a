"""Loads and stores: the registers of an address, and when words come and go."""

from __future__ import annotations

import re

from tinykit.cycles.cortex_m7.operation import (
    BY_EARLY_ALU,
    BYTE,
    CYCLE,
    EARLY,
    STORED,
    WORD,
    Operand,
    Operation,
    Unit,
    operands,
)
from tinykit.cycles.disassembly import Instruction, registers

_CONSTANT_OFFSET = re.compile(r"\[\w+(?:, #(-?\d+))?\]!?")


def load(one: Instruction, name: str) -> Operation:
    """One register; a double is two words."""
    if one.parts[0].startswith("d"):
        return several(one, name)
    needed, moved = _address(one)
    writes = operands(one.parts[:1], WORD if name in ("ldr", "vldr") else BYTE) + moved
    return Operation(Unit.LOAD, needed, writes, word=_word(one))


def store(one: Instruction, name: str) -> Operation:
    """One register; a double is two words."""
    if one.parts[0].startswith("d"):
        return several(one, name)
    needed, moved = _address(one)
    return Operation(Unit.STORE, operands(one.parts[:1], STORED) + needed, moved)


def several(one: Instruction, name: str) -> Operation:
    """Pairs and lists of registers: two words a cycle, together with no other instruction."""
    if "[" in one.operands:
        listed = registers(one.operands[: one.operands.index("[")])
        needed, moved = _address(one)
    else:
        base, _, braced = one.operands.rpartition("{")
        listed = registers(braced)
        needed = operands([base or "sp"], EARLY)  # push and pop name none
        moved = operands([base or "sp"], BY_EARLY_ALU) if "!" in base or not base else ()
    words = 2 if listed and listed[0].startswith("d") else 1
    loads = name.startswith(("ld", "vld", "pop", "vpop"))
    first = WORD if loads else STORED
    when = tuple((at, first + CYCLE * (i * words // 2)) for i, at in enumerate(listed))
    cycles = max(1, (len(listed) * words + 1) // 2)
    if loads:
        return Operation(Unit.ALONE, needed, moved + when, cycles)
    return Operation(Unit.ALONE, when + needed, moved, cycles)


def _address(one: Instruction) -> tuple[tuple[Operand, ...], tuple[Operand, ...]]:
    """Return the registers that an address is made of, and the one that it changes."""
    at = next(i for i, part in enumerate(one.parts) if part.startswith("["))
    inside, *after = one.parts[at:]
    changes = after or inside.endswith("!")
    base = registers(inside)[:1]
    return operands([inside, *after], EARLY), operands(base if changes else [], BY_EARLY_ALU)


def _word(one: Instruction) -> tuple[str, int] | None:
    """Return the base register and the offset of a load, where the instruction tells them."""
    found = _CONSTANT_OFFSET.fullmatch(one.parts[1])
    if found is None:
        return None
    base = registers(one.parts[1])[0]
    start = (one.address + 4) & ~3 if base == "pc" else 0
    return base, start + int(found[1] or 0)
