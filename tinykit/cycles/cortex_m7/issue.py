"""When instructions issue: alone or in pairs, in order, as soon as their operands are there."""

from __future__ import annotations

from collections.abc import Sequence

from tinykit.cycles.cortex_m7.decoding import operation
from tinykit.cycles.cortex_m7.operation import (
    BY_EARLY_ALU,
    CYCLE,
    EARLY,
    FLAGS,
    Operation,
    Unit,
)
from tinykit.cycles.disassembly import Instruction

_BANK_BYTES, _BANKS = 4, 2


def duration(code: Sequence[Instruction]) -> int:
    """Return the cycles from the first instruction's issue until another block's can issue."""
    ready: dict[str, int] = {}  # by register, in half cycles from the start
    now = end = 0
    older: Operation | None = None  # issued in this cycle, and may still have a partner
    for this in map(operation, code):
        earliest = max((_cycle(ready.get(name, 0) - when) for name, when in this.reads), default=0)
        partner = older if older and earliest <= now and pairs(older, this) else None
        if not partner:
            now = max(end, earliest)
            end = now + this.cycles
        early = _is_early(this, partner, CYCLE * now, ready)
        for name, when in this.writes:
            ready[name] = CYCLE * now + (BY_EARLY_ALU if early and name != FLAGS else when)
        older = None if partner or this.unit is Unit.BRANCH else this
    return end


def pairs(older: Operation, younger: Operation) -> bool:
    """Return whether two operations can issue in one cycle, if their operands are there."""
    units = {older.unit, younger.unit}
    if Unit.ALONE in units or younger.unit is Unit.BITS or (older.shifts and younger.shifted):
        return False
    if units in ({Unit.MULTIPLIER}, {Unit.STORE}, {Unit.MULTIPLIER, Unit.STORE}):
        return False
    return units != {Unit.LOAD} or _in_other_banks(older, younger)


def _is_early(
    this: Operation, partner: Operation | None, start: int, ready: dict[str, int]
) -> bool:
    """Return whether the early ALU does it: for the older of a pair, and for shifts of both."""
    if not this.early or (partner and (partner.shifts or not this.shifts)):
        return False
    return all(ready.get(name, 0) <= start + EARLY for name, _ in this.reads)


def _in_other_banks(one: Operation, other: Operation) -> bool:
    """Return whether two loads are known to take an even and an odd word."""
    if one.word is None or other.word is None or one.word[0] != other.word[0]:
        return False
    return (one.word[1] - other.word[1]) % (_BANK_BYTES * _BANKS) == _BANK_BYTES


def _cycle(half_cycles: int) -> int:
    """Return the first cycle that does not begin before a time."""
    return -(-half_cycles // CYCLE)
