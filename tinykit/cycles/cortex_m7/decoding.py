"""From an instruction's name to what it asks of the pipelines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

from tinykit.cycles.cortex_m7 import arithmetic, memory
from tinykit.cycles.cortex_m7.operation import (
    BY_LATE_ALU,
    CYCLE,
    FLAGS,
    FLOAT,
    LATE,
    Operation,
    Unit,
    operands,
)
from tinykit.cycles.disassembly import Instruction, without_condition


def _branch(one: Instruction, name: str) -> Operation:
    return Operation(Unit.BRANCH)  # predicted: waits for nothing


def _free(one: Instruction, name: str) -> Operation:
    return Operation(Unit.ALU)  # takes a place, and that is all


def _alone(one: Instruction, name: str) -> Operation:
    cycles = {"sdiv": 7, "udiv": 7, "tbb": 2, "tbh": 2}.get(name, 1)
    result = FLOAT if one.operands.startswith(("s", "d")) else BY_LATE_ALU + CYCLE * (cycles - 1)
    return Operation(
        Unit.ALONE, operands(one.parts[1:], LATE), operands(one.parts[:1], result), cycles
    )


_KINDS: tuple[tuple[str, Callable[[Instruction, str], Operation]], ...] = (
    (r"add|addw|sub|subw|rsb|adc|sbc|and|orr|orn|eor|bic|lsl|lsr|asr|ror|rrx", arithmetic.alu),
    (r"mov|movw|movt|mvn|neg|adr|cmp|cmn|tst|teq", arithmetic.alu),
    (rf"{arithmetic.ON_FIELDS}|{arithmetic.SATURATING}|sel|clz", arithmetic.bits),
    (r"[us]xt(b|h|b16)|[us]h?(add|sub)(8|16)|[us]h?(asx|sax)", arithmetic.bits),
    (r"mul|ml[as]|um(ull|lal|aal)|sm\w+", arithmetic.multiply),
    (r"ldrs?[bh]?|vldr", memory.load),
    (r"str[bh]?|vstr", memory.store),
    (r"ldrd|strd|v?(ldm|stm)(ia|db)?|v?push|v?pop", memory.several),
    (r"b|bl|bx|blx|cbz|cbnz", _branch),
    (r"it[te]*|nop", _free),
    (r"[us]div|tb[bh]", _alone),
)
_WITH_CARRY = ("adc", "sbc", "rrx")


@lru_cache(maxsize=1 << 15)
def operation(one: Instruction) -> Operation:
    """Return what an instruction asks of the pipelines; what is not known here issues alone."""
    for name, sets_flags, conditional in _readings(one.name):
        for names, decode in _KINDS:
            if re.fullmatch(names, name):
                done = decode(one, name)
                sets_flags = sets_flags or name in arithmetic.COMPARISONS
                needs_flags = conditional or name in _WITH_CARRY
                return _with_flags(done, sets_flags, needs_flags, conditional)
    return _alone(one, one.name)


def _readings(name: str) -> Iterator[tuple[str, bool, bool]]:
    """Yield a name as it may be meant, whether it sets the flags, whether it has a condition."""
    yield name, False, False
    if name.endswith("s"):
        yield name[:-1], True, False
    yield without_condition(name), False, True


def _with_flags(done: Operation, sets: bool, needs: bool, conditional: bool) -> Operation:
    if done.unit is Unit.BRANCH:
        return done
    reads, writes = done.reads, done.writes
    if needs:
        reads += ((FLAGS, LATE),)
    if conditional:  # or else the result stays what it was
        reads += tuple((register, LATE) for register, _ in writes)
    if sets:
        writes += ((FLAGS, BY_LATE_ALU),)
    return replace(done, reads=reads, writes=writes)
