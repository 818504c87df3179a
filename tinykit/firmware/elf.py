"""What an ELF file says about flash and RAM. Reads section headers only (ELF-32, little endian)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from tinykit.errors import BuildError

_HEADER = struct.Struct("<16xHHIIIIIHHHHHH")  # the fields behind e_ident
_SECTION = struct.Struct("<10I")
_MAGIC = b"\x7fELF\x01\x01"  # 32 bit, little endian
_NOBITS = 8
_WRITE, _ALLOC = 1, 2
_RESERVED = (".stack", "._user_heap_stack", ".heap")
"""Sections that only keep RAM free; what of it is used is measured on the device."""


@dataclass(frozen=True)
class Section:
    """A section that occupies memory on the device."""

    name: str
    address: int
    size: int
    writable: bool
    stored: bool  # has content in the file, so takes flash


@dataclass(frozen=True)
class Size:
    """Bytes of a whole firmware: `flash` is code, constants and initial values; `ram` is static."""

    flash_bytes: int
    ram_bytes: int


def sections(path: Path) -> list[Section]:
    """Return the sections of an ELF file that occupy memory.

    Raises
    ------
    BuildError
        When the file is not a 32-bit little-endian ELF file, or is cut short.
    """
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        raise BuildError(f"{path}: not a 32-bit little-endian ELF file")
    try:
        fields = _HEADER.unpack_from(data)
        table, entry, count, names = fields[5], fields[10], fields[11], fields[12]
        headers = [_SECTION.unpack_from(data, table + index * entry) for index in range(count)]
        strings = headers[names][4]
        return [
            Section(
                name=data[strings + name : data.index(b"\0", strings + name)].decode(),
                address=address,
                size=size,
                writable=bool(flags & _WRITE),
                stored=kind != _NOBITS,
            )
            for name, kind, flags, address, _, size, *_ in headers
            if flags & _ALLOC and size
        ]
    except (struct.error, IndexError, ValueError):
        raise BuildError(f"{path}: the ELF file is cut short or damaged") from None


def size(path: Path) -> Size:
    """Add up what a firmware takes. A writable section with content counts in both memories."""
    used = [section for section in sections(path) if section.name not in _RESERVED]
    return Size(
        flash_bytes=sum(section.size for section in used if section.stored),
        ram_bytes=sum(section.size for section in used if section.writable),
    )
