"""Random draws that depend on a key alone, never on the order in which they are made.

A clip's augmentation, a speaker's split, a voice's pitch: each draws from a generator of its own,
seeded by what it is for. Adding a clip, a process or a thread changes no other draw.
"""

from __future__ import annotations

import hashlib

import numpy as np

Key = str | int | float


def _digest(key: tuple[Key, ...]) -> bytes:
    """Return 32 bytes that any change of `key` changes."""
    # repr tells "1" from 1 and ("a", "b") from ("a, b",): no two keys share a stream.
    return hashlib.sha256(repr(key).encode()).digest()


def fraction(*key: Key) -> float:
    """Return a number in [0, 1), uniform over keys."""
    return int.from_bytes(_digest(key)[:8], "big") / 2**64


def generator(*key: Key) -> np.random.Generator:
    """Return the random generator that belongs to `key`."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(_digest(key)[:16], "big")))
