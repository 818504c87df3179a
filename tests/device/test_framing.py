"""Frames on the wire: golden bytes, and what the decoder makes of damaged ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinykit.device import framing
from tinykit.device.framing import Damaged, Decoder, Frame
from tinykit.device.wire import PAYLOAD_MAX

GOLDEN = {
    Frame(1, 0x06): "00 03 01 06 05 a3 14 d9 a8 00",
    Frame(255, 0x86, 3): "00 08 ff 86 03 88 83 09 b5 00",
    Frame(2, 0x05, 0, b"\1\0"): "00 03 02 05 02 01 05 0e 65 27 92 00",
}
EXAMPLE = Frame(7, 0x03, 0, b"\0\0\1\0\0" + bytes(range(40)))


@pytest.mark.parametrize("frame", GOLDEN)
def test_golden_bytes(frame: Frame) -> None:
    """These frames have exactly these bytes: the protocol has not changed."""
    assert framing.encode(frame).hex(" ") == GOLDEN[frame]


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        (b"", "01"),
        (b"\0", "01 01"),
        (b"\1\0\2", "02 01 02 02"),
        (b"\1" * 254, "ff" + " 01" * 254),
        (b"\1" * 254 + b"\0", "ff" + " 01" * 254 + " 01 01"),
        (b"\1" * 255, "ff" + " 01" * 254 + " 02 01"),
    ],
)
def test_cobs_golden_bytes(data: bytes, encoded: str) -> None:
    """COBS at the places where it changes: no bytes, zeros, runs of 254."""
    assert framing.cobs_encode(data).hex(" ") == encoded
    assert framing.cobs_decode(bytes.fromhex(encoded)) == data


@given(st.lists(st.sampled_from([b"\0", b"\1", b"\xff" * 253, b"\2" * 254]), max_size=8))
def test_cobs_round_trip(pieces: list[bytes]) -> None:
    """Any data comes back, without a zero on the way."""
    data = b"".join(pieces)
    encoded = framing.cobs_encode(data)
    assert 0 not in encoded
    assert framing.cobs_decode(encoded) == data


@given(st.binary(max_size=PAYLOAD_MAX), st.integers(1, 7))
def test_frames_in_pieces(payload: bytes, step: int) -> None:
    """A stream gives the same frames however it is cut."""
    frames = [Frame(1, 2, 3, payload), Frame(2, 0x85)]
    stream = b"".join(map(framing.encode, frames))
    decoder = Decoder()
    pieces = (stream[at : at + step] for at in range(0, len(stream), step))
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == frames


def test_too_long_payload() -> None:
    """A payload over the limit is refused before it is sent."""
    with pytest.raises(ValueError, match="at most"):
        framing.encode(Frame(1, 1, 0, bytes(PAYLOAD_MAX + 1)))


def test_every_byte_dropped() -> None:
    """A frame that lost any one byte is never taken for a frame, and the next one is read."""
    data = framing.encode(EXAMPLE)
    for at in range(1, len(data) - 1):
        first, second = Decoder().feed(data[:at] + data[at + 1 :] + data)
        assert isinstance(first, Damaged), at
        assert second == EXAMPLE


@pytest.mark.parametrize("bit", range(8))
def test_every_bit_flipped(bit: int) -> None:
    """A frame with any one bit wrong is never taken for a frame, and the next one is read."""
    data = framing.encode(EXAMPLE)
    for at in range(1, len(data) - 1):
        wrong = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        *bad, last = Decoder().feed(wrong + data)
        assert bad and all(isinstance(frame, Damaged) for frame in bad), at
        assert last == EXAMPLE


def test_every_truncation() -> None:
    """A frame cut off anywhere is never taken for a frame, and the next one is read."""
    data = framing.encode(EXAMPLE)
    for length in range(2, len(data) - 1):
        first, second = Decoder().feed(data[:length] + data)
        assert isinstance(first, Damaged), length
        assert second == EXAMPLE


def test_noise_without_zeros_is_not_kept() -> None:
    """A line that babbles without a zero does not fill the memory; a frame after it is read."""
    decoder = Decoder()
    for _ in range(100):
        assert not list(decoder.feed(b"\x55" * 1000))
    assert len(decoder._pending) < 10_000
    assert list(decoder.feed(framing.encode(EXAMPLE)))[-1] == EXAMPLE
