"""Augmentation of features while training; augmentation of audio is in `tinykit.audio`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mask_time(
    x: NDArray[np.float32], longest: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """Replace a random run of 0 to `longest` frames of each clip by the clip's mean frame.

    x : float32 (N, frames, width, 1). Time masking as in SpecAugment (arXiv 1904.08779).
    """
    count, frames = x.shape[:2]
    longest = min(longest, frames)
    length = random.integers(0, longest + 1, (count, 1))
    start = random.integers(0, frames - length + 1)
    frame = np.arange(frames)
    hidden = (frame >= start) & (frame < start + length)
    return np.where(hidden[..., None, None], x.mean(axis=1, keepdims=True), x)
