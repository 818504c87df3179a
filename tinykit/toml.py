"""Reading a TOML file into a typed structure, with errors a person can act on."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TypeVar

import msgspec

from tinykit.errors import UsageError

T = TypeVar("T")


def load(path: Path, kind: type[T], error: type[UsageError]) -> T:
    """Decode `path` into `kind` (a `msgspec.Struct` with `forbid_unknown_fields`).

    Raises
    ------
    error
        When the file is missing, not TOML, has an unknown key (the nearest known one is suggested)
        or a value of the wrong type.
    """
    try:
        data = path.read_bytes()
    except OSError as reason:
        raise error(f"{path}: {reason.strerror or reason}") from None
    try:
        return msgspec.toml.decode(data, type=kind)
    except msgspec.ValidationError as reason:
        raise error(f"{path}: {reason}", _suggestion(str(reason), kind)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as reason:
        raise error(f"{path}: not valid TOML: {reason}") from None


def _suggestion(reason: str, kind: type) -> str:
    """Name the nearest known key of the table in which `reason` found an unknown one."""
    unknown = re.search(r"unknown field `([^`]*)`(?: - at `\$\.?([^`]*)`)?", reason)
    if not unknown:
        return ""
    table = kind
    for key in filter(None, (unknown[2] or "").split(".")):
        table = _struct_at(table, key)
    known = [field.encode_name for field in msgspec.structs.fields(table)]
    near = difflib.get_close_matches(unknown[1], known, n=1)
    listed = "known keys: " + ", ".join(known)
    return f"did you mean `{near[0]}`? {listed}" if near else listed


def _struct_at(table: type, key: str) -> type:
    """Return the Struct class of field `key` of Struct class `table`, through Optional."""
    for field in msgspec.structs.fields(table):
        if field.encode_name == key:
            for candidate in (field.type, *getattr(field.type, "__args__", ())):
                if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
                    return candidate
    return table
