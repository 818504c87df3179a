"""Payloads to bytes and back, as the fields of a command say."""

from __future__ import annotations

import struct
from typing import Any

from tinykit.device.wire import CHUNK_BYTES, FORMATS, Field


class WireError(ValueError):
    """A payload that does not fit the command's fields."""


def pack(fields: tuple[Field, ...], values: dict[str, Any]) -> bytes:
    """Encode `values` (one for each field, by name) as a payload.

    Raises
    ------
    WireError
        When a value is missing, unknown, or does not fit its field.
    """
    if values.keys() != {field.name for field in fields}:
        raise WireError(f"fields are {[f.name for f in fields]}, given {sorted(values)}")
    return b"".join(_pack_field(field, values[field.name]) for field in fields)


def _pack_field(field: Field, value: Any) -> bytes:
    if field.type == "data":
        if len(value) > CHUNK_BYTES:
            raise WireError(f"{field.name}: {len(value)} bytes, at most {CHUNK_BYTES}")
        return bytes(value)
    if field.type == "text":
        data = str(value).encode()
        if len(data) > field.limit:
            raise WireError(f"{field.name}: {len(data)} bytes, at most {field.limit}")
        return bytes([len(data)]) + data
    try:
        return struct.pack(FORMATS[field.type], value)
    except struct.error as reason:
        raise WireError(f"{field.name}: {value}: {reason}") from None


def unpack(fields: tuple[Field, ...], payload: bytes) -> dict[str, Any]:
    """Decode a payload: int for numbers, str for `text`, bytes for `data`.

    Raises
    ------
    WireError
        When the payload is shorter or longer than the fields.
    """
    values: dict[str, Any] = {}
    at = 0
    for field in fields:
        if field.type == "data":
            values[field.name], at = payload[at:], len(payload)
            continue
        end = at + field.fixed_bytes
        if field.type == "text" and end <= len(payload):
            end += payload[at]
        if end > len(payload):
            raise WireError(f"payload of {len(payload)} bytes ends inside field {field.name}")
        if field.type == "text":
            values[field.name] = payload[at + 1 : end].decode(errors="replace")
        else:
            (values[field.name],) = struct.unpack(FORMATS[field.type], payload[at:end])
        at = end
    if at != len(payload):
        raise WireError(f"payload has {len(payload)} bytes, its fields {at}")
    return values
