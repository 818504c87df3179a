"""Frames: a sequence number, a command, a status and a payload, with CRC-32, in COBS.

Sans-I/O: bytes in, frames out. On the wire a frame is ``00 COBS(body) 00`` with
``body = sequence, command, status, payload, CRC-32``. The CRC is the common one (IEEE 802.3,
reflected, as in zlib), over all that precedes it, little endian. The zero in front ends whatever
noise came before, so a frame is never lost to an earlier one.

COBS: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
Networking 7(2), 1999.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from tinykit.device.wire import PAYLOAD_MAX

HEADER_BYTES = 3
CRC_BYTES = 4
BODY_MAX = HEADER_BYTES + PAYLOAD_MAX + CRC_BYTES
"""Most bytes of a frame before COBS."""


@dataclass(frozen=True)
class Frame:
    """One frame. `status` is 0 in requests; `command` has `wire.REPLY` set in replies."""

    sequence: int
    command: int
    status: int = 0
    payload: bytes = b""


@dataclass(frozen=True)
class Damaged:
    """What arrived between two zeros and is not a frame."""

    data: bytes
    reason: str


def cobs_encode(data: bytes) -> bytes:
    """Return `data` (any bytes) without a zero in it, at most 1 in 254 bytes longer."""
    out = bytearray()
    *pieces, last = data.split(b"\0")
    for piece in pieces:
        out += _runs(piece)
        rest = piece[len(piece) // 254 * 254 :]
        out += bytes([len(rest) + 1]) + rest
    out += _runs(last)
    rest = last[len(last) // 254 * 254 :]
    if rest or not last:  # the end needs no run of none, except when there is nothing else
        out += bytes([len(rest) + 1]) + rest
    return bytes(out)


def _runs(piece: bytes) -> bytes:
    """Return the longest runs (254 bytes, no zero after them) at the start of `piece`."""
    whole = len(piece) // 254 * 254
    return b"".join(b"\xff" + piece[at : at + 254] for at in range(0, whole, 254))


def cobs_decode(data: bytes) -> bytes:
    """Invert `cobs_encode`.

    Raises
    ------
    ValueError
        When `data` is empty, has a zero, or ends inside a run.
    """
    if not data or 0 in data:
        raise ValueError("not COBS")
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        if at + code > len(data):
            raise ValueError("COBS ends inside a run")
        out += data[at + 1 : at + code]
        at += code
        if code < 255 and at < len(data):
            out.append(0)
    return bytes(out)


def encode(frame: Frame) -> bytes:
    """Return the bytes of `frame` on the wire, with a zero before and after.

    Raises
    ------
    ValueError
        When the payload is longer than `PAYLOAD_MAX`.
    """
    if len(frame.payload) > PAYLOAD_MAX:
        raise ValueError(f"payload of {len(frame.payload)} bytes, at most {PAYLOAD_MAX}")
    body = bytes([frame.sequence, frame.command, frame.status]) + frame.payload
    return b"\0" + cobs_encode(body + zlib.crc32(body).to_bytes(CRC_BYTES, "little")) + b"\0"


def decode(data: bytes) -> Frame | Damaged:
    """Decode what stood between two zeros."""
    try:
        body = cobs_decode(data)
    except ValueError as reason:
        return Damaged(data, str(reason))
    if not HEADER_BYTES + CRC_BYTES <= len(body) <= BODY_MAX:
        return Damaged(data, f"{len(body)} bytes")
    checked, crc = body[:-CRC_BYTES], body[-CRC_BYTES:]
    if zlib.crc32(checked) != int.from_bytes(crc, "little"):
        return Damaged(data, "CRC does not match")
    return Frame(checked[0], checked[1], checked[2], checked[HEADER_BYTES:])


class Decoder:
    """Cuts a stream of bytes, in pieces of any size, into frames."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame | Damaged]:
        """Yield each frame, or damaged one, that `data` completes."""
        self._pending += data
        *done, rest = self._pending.split(b"\0")
        self._pending = bytearray(rest)
        for piece in done:
            if piece:
                yield decode(bytes(piece))
        # Noise without a zero must not pile up: keep enough to know that it is too long.
        del self._pending[4 * BODY_MAX :]
