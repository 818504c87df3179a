"""A clip as a small picture: its spectrogram as a PNG."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

HEIGHT = 64
"""Pixels, from 0 Hz at the bottom to half the sample rate at the top."""

WIDTH = 160
"""Pixels of a whole clip."""

_RANGE_DB = 70.0
_WINDOW = 512

# Anchors of a palette that grows lighter with level, readable without colour: (R, G, B).
_PALETTE = (
    (8, 10, 30),
    (52, 26, 92),
    (142, 42, 110),
    (222, 84, 70),
    (250, 170, 80),
    (255, 250, 200),
)


def spectrogram(samples: NDArray[np.int16]) -> bytes:
    """Return a PNG of `HEIGHT` x `WIDTH` pixels: time to the right, frequency up, level as colour.

    Parameters
    ----------
    samples : int16 (count,)
        Level is in dB of full scale, the same in every picture: -80 dB is black.
    """
    padded = np.pad(samples.astype(np.float64) / 32768.0, _WINDOW // 2)
    starts = np.linspace(0, len(padded) - _WINDOW, WIDTH).astype(int)
    frames = padded[starts[:, None] + np.arange(_WINDOW)] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames)[:, 1:]) ** 2
    rows = power.reshape(WIDTH, HEIGHT, -1).max(axis=2).T[::-1]
    level_db = 10 * np.log10(rows + 1e-12) - 20 * np.log10(_WINDOW / 4)
    share = np.clip((level_db + 10.0 + _RANGE_DB) / _RANGE_DB, 0, 1)
    return png(np.rint(share * 255).astype(np.uint8))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return uint8 (height, width) as a PNG with the palette of this module (RFC 2083)."""
    height, width = pixels.shape
    anchors = np.linspace(0, 255, len(_PALETTE))
    colours = np.array(_PALETTE).T
    palette = np.stack([np.interp(np.arange(256), anchors, one) for one in colours], axis=1)
    lines = np.hstack([np.zeros((height, 1), np.uint8), pixels])  # filter 0 before each line
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", np.rint(palette).astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
