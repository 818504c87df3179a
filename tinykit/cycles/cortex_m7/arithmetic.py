"""Operations on registers: what an ALU, the bits and lanes of a word, and multiplications need."""

from __future__ import annotations

import re

from tinykit.cycles.cortex_m7.operation import (
    ADDEND,
    BY_LATE_ALU,
    EARLY,
    FACTOR,
    LATE,
    PRODUCT,
    SATURATED,
    Operation,
    Unit,
    operands,
)
from tinykit.cycles.disassembly import Instruction, registers

COMPARISONS = ("cmp", "cmn", "tst", "teq")
ON_FIELDS = r"bf[ic]|[us]bfx|rbit|rev(16|sh)?|[us]xta(b|h|b16)|pkh(bt|tb)"
SATURATING = r"[us]sat(16)?|u?q(add|sub)(8|16)?|u?q(asx|sax)"

_SHIFTS = ("lsl", "lsr", "asr", "ror", "rrx")
_EARLY_ALU = ("add", "addw", "sub", "subw", "mov", "movw", "lsl", "lsr", "asr", "ror")
_MOVES = ("mov", "movw", "mvn", "neg", "adr")
_LONG_CONSTANTS = ("addw", "subw", "movw", "movt")


def alu(one: Instruction, name: str) -> Operation:
    """Sums, logic, moves, shifts, comparisons."""
    parts = one.parts
    has_shift = parts[-1].split()[0] in _SHIFTS
    values = parts[:-1] if has_shift else parts
    is_shift = name in _SHIFTS or (name == "mov" and has_shift)
    inline = has_shift and not is_shift
    shifted = inline or (not is_shift and _is_shifted_constant(one, name))
    in_place = len(values) == 2 and name not in _MOVES
    sources = values if name in COMPARISONS or in_place else values[1:]
    reads = operands(sources[:-1], LATE) + operands(sources[-1:], EARLY if inline else LATE)
    return Operation(
        Unit.ALU,
        reads,
        () if name in COMPARISONS else operands(values[:1], BY_LATE_ALU),
        early=name in _EARLY_ALU and not shifted,
        shifts=is_shift or shifted,
        shifted=shifted,
    )


def _is_shifted_constant(one: Instruction, name: str) -> bool:
    """Whether a constant is 8 bits shifted, neither small nor a pattern of bytes."""
    found = re.fullmatch(r"#(-?\d+)", one.parts[-1])
    if not found or name in _LONG_CONSTANTS:
        return False
    value = int(found[1]) & 0xFFFFFFFF
    if value < 0x100 or ("sp" in one.registers and value <= 1020):  # short forms of add and sub
        return False
    a, b, c, d = value.to_bytes(4, "big")
    return (a, b) != (c, d) or (a != b and a != 0 and b != 0)


def bits(one: Instruction, name: str) -> Operation:
    """Fields of bits, extensions, lanes; the Arm DSP extension but for its multiplications."""
    result, *sources = one.parts
    used = [register for text in sources for register in registers(text)]
    on_fields = re.fullmatch(ON_FIELDS, name) is not None
    shifts = on_fields or "sat" in name
    if name.startswith(("bfi", "sxta", "uxta", "pkhbt")):
        late = len(used) - 1  # the last one is shifted or cut out
    else:
        late = 0 if shifts else len(used)
    reads = operands(used[:late], LATE) + operands(used[late:], EARLY)
    if name in ("bfi", "bfc"):
        reads += operands([result], LATE)
    saturates = re.fullmatch(SATURATING, name) is not None
    writes = operands([result], SATURATED if saturates else BY_LATE_ALU)
    return Operation(Unit.BITS, reads, writes, shifts=shifts)


def multiply(one: Instruction, name: str) -> Operation:
    """Products of words, halves or lanes, added to something or not."""
    parts = one.parts
    if re.match(r"[us]m(ull|lal|lsl|aal)", name):  # 64 bits
        results, factors = parts[:2], parts[2:]
        addends = [] if "mull" in name else results
    else:
        results, addends = parts[:1], parts[3:]
        factors = parts[1:3] if len(parts) > 2 else parts
    reads = operands(factors, FACTOR) + operands(addends, ADDEND)
    return Operation(Unit.MULTIPLIER, reads, operands(results, PRODUCT))
