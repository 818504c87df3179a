"""Damages .tflite files where it hurts: in the fields of their tables.

Bytes changed at random mostly break the flatbuffer itself, and the reader's first check ends the
trial. This module walks the tables, notes where each shape, index, length, code and offset lies in
the file, and changes some of them in place: the file stays readable and says something else.
"""

from __future__ import annotations

import random
import struct
from collections import defaultdict
from dataclasses import dataclass

Kind = dict[int, str]

# Slot number of each field in its table -> what is there: a scalar, "*..." a vector or a table
# behind an offset, "*[Table" a vector of tables.
_TABLES: dict[str, Kind] = {
    "Model": {0: "int", 1: "*[Code", 2: "*[SubGraph", 4: "*[Buffer", 6: "*[Metadata"},
    "SubGraph": {0: "*[Tensor", 1: "*index", 2: "*index", 3: "*[Operator"},
    "Tensor": {0: "*size", 1: "byte", 2: "index", 4: "*Quantization", 5: "byte", 7: "*size"},
    "Quantization": {2: "*float", 3: "*long", 4: "byte", 6: "int"},
    "Operator": {0: "index", 1: "*index", 2: "*index", 3: "byte", 4: "*Options"},
    "Code": {0: "byte", 2: "int", 3: "int"},
    "Buffer": {0: "*data"},
    "Metadata": {0: "*data", 1: "index"},
}
_OPTIONS: Kind = {slot: "int" for slot in range(12)}
_WIDTHS = {"byte": 1, "int": 4, "index": 4, "size": 4, "float": 4, "long": 8, "data": 4}

_STRUCTURE = frozenset({"slot", "offset", "length"})

_MOST_SITES = 20_000  # of one file: a damaged file may claim anything
_MOST_OF_A_VECTOR = 64

_INTEGERS = (0, 1, 2, 3, -1, -2, 7, 127, 128, 255, -128, 1 << 15, 1 << 16, 1 << 24, (1 << 31) - 1)
_FLOATS = (0.0, -1.0, 1e-45, 1e-30, 1e-9, 1e-5, 0.05, 1.0, 1e9, 3e38, float("inf"), float("nan"))


@dataclass(frozen=True)
class Site:
    """A number in the file: what it is and where."""

    kind: str
    position: int


def sites(data: bytes) -> list[Site]:
    """Return the numbers of a file that say what the model is, as far as they can be reached."""
    found: list[Site] = []
    try:
        (root,) = struct.unpack_from("<I", data, 0)
        _walk(data, "Model", root, found)
    except (struct.error, RecursionError):
        pass  # as far as they can be reached
    return [site for site in found if site.position + _width(site) <= len(data)]


def _width(site: Site) -> int:
    return _WIDTHS.get(site.kind, 4)


def _walk(data: bytes, table: str, position: int, found: list[Site]) -> None:
    """Note the fields of the table at `position` and of those behind it."""
    fields = _OPTIONS if table == "Options" else _TABLES[table]
    (back,) = struct.unpack_from("<i", data, position)
    vtable = position - back
    if vtable < 0:
        return
    (size,) = struct.unpack_from("<H", data, vtable)
    for slot, kind in fields.items():
        at = 4 + 2 * slot
        if at + 2 > size or len(found) > _MOST_SITES:
            continue
        (inside,) = struct.unpack_from("<H", data, vtable + at)
        found.append(Site("slot", vtable + at))
        if not inside:
            continue
        field = position + inside
        if kind[0] != "*":
            found.append(Site(kind, field))
            continue
        found.append(Site("offset", field))
        (ahead,) = struct.unpack_from("<I", data, field)
        _follow(data, kind[1:], field + ahead, found)


def _follow(data: bytes, kind: str, target: int, found: list[Site]) -> None:
    """Note what an offset points at: a table, a vector of tables or of numbers."""
    if kind[0] == "[":
        (length,) = struct.unpack_from("<I", data, target)
        found.append(Site("length", target))
        for i in range(min(length, 1000)):
            at = target + 4 + 4 * i
            (ahead,) = struct.unpack_from("<I", data, at)
            found.append(Site("offset", at))
            _walk(data, kind[1:], at + ahead, found)
    elif kind in _WIDTHS:
        (length,) = struct.unpack_from("<I", data, target)
        found.append(Site("length", target))
        step = _WIDTHS[kind]
        count = length // step if kind == "data" else length
        found += [Site(kind, target + 4 + step * i) for i in range(min(count, _MOST_OF_A_VECTOR))]
    else:
        _walk(data, kind, target, found)


def damage(
    data: bytes, noise: random.Random, found: list[Site] | None = None, *, readable: bool = False
) -> bytes:
    """Return a copy of a file with one to four of its fields changed.

    Parameters
    ----------
    found : list of Site, optional
        What `sites(data)` gave, when the caller keeps it.
    readable : bool
        Leave the structure of the flatbuffer alone: offsets, lengths, vtables.
    """
    found = sites(data) if found is None else found
    if readable:
        found = [site for site in found if site.kind not in _STRUCTURE]
    if not found:
        return data
    groups: dict[str, list[Site]] = defaultdict(list)
    for site in found:
        groups[site.kind].append(site)
    kinds = sorted(groups)
    changed = bytearray(data)
    for _ in range(noise.choice((1, 1, 2, 4))):
        kind = noise.choice(kinds)
        if kind in ("size", "index") and noise.random() < 0.3:
            _rename(changed, groups[kind], noise)
        else:
            _change(changed, noise.choice(groups[kind]), groups[kind], noise)
    return bytes(changed)


def _rename(data: bytearray, group: list[Site], noise: random.Random) -> None:
    """Give every field of one value another: shapes that belong together stay together."""
    read = [struct.unpack_from("<i", data, site.position)[0] for site in group]
    old, new = noise.choice(read), noise.choice((*_INTEGERS, noise.choice(read)))
    for site, value in zip(group, read, strict=True):
        if value == old:
            struct.pack_into("<I", data, site.position, new & 0xFFFFFFFF)


def _change(data: bytearray, site: Site, group: list[Site], noise: random.Random) -> None:
    """Change one field: to an extreme, to a neighbour, or to what another of its kind says."""
    width = 2 if site.kind == "slot" else _width(site)
    if site.kind == "float":
        struct.pack_into("<f", data, site.position, noise.choice(_FLOATS))
        return
    start = site.position
    old = int.from_bytes(data[start : start + width], "little")
    other = noise.choice(group).position
    value = noise.choice(
        (
            noise.choice(_INTEGERS),
            old + noise.choice((-4, -1, 1, 4)),
            old * 2,
            int.from_bytes(data[other : other + width], "little"),
            noise.randrange(1 << noise.randint(1, 8 * width)),
        )
    )
    data[start : start + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
