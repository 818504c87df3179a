"""Constant tables as C text."""

from __future__ import annotations

from collections.abc import Iterable

_COLUMNS = 100


def array(kind: str, name: str, values: Iterable[object], attribute: str = "") -> str:
    """Return a constant array, wrapped."""
    items = [str(value) for value in values]
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > _COLUMNS:
            lines.append(line)
            line = "   "
        line += f" {item},"
    lines.append(line)
    return (
        f"static const {attribute}{kind} {name}[{len(items)}] = {{\n" + "\n".join(lines) + "\n};\n"
    )


def pairs(values: Iterable[tuple[int, int]]) -> list[str]:
    """Return pairs of 16-bit numbers (low, high) as words."""
    return [f"0x{(int(high) & 0xFFFF) << 16 | (int(low) & 0xFFFF):08X}u" for low, high in values]
