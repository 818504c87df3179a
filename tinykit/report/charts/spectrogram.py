"""Spectrograms: level over time and frequency, as a picture inside the drawing."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tinykit.report import svg

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 860.0, 150.0, 44.0, 26.0, 22.0
_WINDOW, _HOP = 512, 128
_FLOOR_DB = -75.0
"""Below full scale: what is quieter is drawn as dark as silence."""

_COLOURS = (
    (12, 16, 40),
    (62, 36, 110),
    (150, 44, 108),
    (226, 92, 62),
    (250, 176, 66),
    (252, 250, 196),
)
"""From the floor to the loudest, through these in equal steps."""


def draw(recordings: Mapping[str, NDArray[np.int16]], rate_hz: int) -> str:
    """Draw the spectrograms of (samples,) by name, one below the other, on one scale of levels."""
    levels = {name: _levels(samples) for name, samples in recordings.items()}
    loudest = max((float(level.max()) for level in levels.values()), default=0.0)
    parts = []
    for number, (name, level) in enumerate(levels.items()):
        seconds = max(len(recordings[name]), 1) / rate_hz
        parts += _panel(number * (TOP + HEIGHT + BOTTOM), name, level, loudest, seconds, rate_hz)
    whole = len(levels) * (TOP + HEIGHT + BOTTOM)
    return svg.drawing(WIDTH, whole, "Spectrograms of " + ", ".join(levels), parts)


def _panel(
    top: float,
    name: str,
    level: NDArray[np.float64],
    loudest: float,
    seconds: float,
    rate_hz: int,
) -> list[str]:
    y0, y1, x1 = top + TOP + HEIGHT, top + TOP, WIDTH - 10
    shades = np.clip((level - _FLOOR_DB) / max(loudest - _FLOOR_DB, 1.0), 0, 1)
    picture = svg.element(
        "image",
        x=LEFT,
        y=y1,
        width=x1 - LEFT,
        height=HEIGHT,
        preserveAspectRatio="none",
        href=_png(np.rint(shades.T[::-1] * 255).astype(np.uint8)),
    )
    parts = [svg.text(LEFT, top + 14, name, font_weight=600), picture]
    for khz in range(0, rate_hz // 2000 + 1, 2):
        y = y0 - HEIGHT * khz / (rate_hz / 2000)
        parts.append(
            svg.text(LEFT - 6, y + 4, f"{khz} kHz", text_anchor="end", fill=svg.MUTED, font_size=10)
        )
    for mark in svg.ticks(0, seconds, 8):
        if mark <= seconds:
            x = LEFT + (x1 - LEFT) * mark / seconds
            parts.append(
                svg.text(
                    x, y0 + 14, f"{mark:g} s", text_anchor="middle", fill=svg.MUTED, font_size=10
                )
            )
    return parts


def _levels(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return levels (frames, bins) in dB of a sine at full scale; a recording of any length."""
    padded = np.pad(samples.astype(np.float64) / 32768, (0, max(0, _WINDOW - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    window = np.hanning(_WINDOW)
    magnitude = np.abs(np.fft.rfft(frames * window, axis=1)) / (window.sum() / 2)
    return 20 * np.log10(np.maximum(magnitude, 1e-9))


def _png(shades: NDArray[np.uint8]) -> str:
    """Return uint8 (rows, columns) as a PNG of our colours, in a data URI (RFC 2083, RFC 2397)."""
    steps = np.linspace(0, len(_COLOURS) - 1, 256)
    palette = [
        np.interp(steps, range(len(_COLOURS)), channel) for channel in zip(*_COLOURS, strict=True)
    ]
    rows, columns = shades.shape
    lines = np.pad(shades, ((0, 0), (1, 0)))  # each row begins with its filter: none
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            (b"PLTE", np.rint(np.stack(palette, axis=1)).astype(np.uint8).tobytes()),
            (b"IDAT", zlib.compress(lines.tobytes(), 9)),
            (b"IEND", b""),
        )
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )
