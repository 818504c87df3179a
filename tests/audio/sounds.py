"""Sounds that are cheap to make and easy to tell apart, and file names of known splits."""

from __future__ import annotations

from itertools import islice

import numpy as np

from tinykit.audio.split import official

RATE_HZ = 16000


def tone(hz: float, seconds: float = 1.0, amplitude: float = 8000.0) -> np.ndarray:
    """A sine, int16 (samples,) at 16 kHz."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.rint(amplitude * np.sin(2 * np.pi * hz * time)).astype(np.int16)


def names(split: str, count: int) -> list[str]:
    """`count` file names that the official hash puts into `split`, of as many speakers."""
    found = (f"{number:08x}_nohash_0.wav" for number in range(100_000))
    return list(islice((name for name in found if official(name) == split), count))
