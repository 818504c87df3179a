"""Augmentation of features while training; augmentation of audio is in `tinykit.audio`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.config import Train

Floats = NDArray[np.float32]


def augment(
    x: Floats, targets: Floats, config: Train, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return another version of a batch and its targets, as `[train]` asks for.

    x : float32 (N, frames, width, 1);  targets : float32 (N, classes), one-hot.
    """
    x = mask_time(x, config.time_mask, random)
    if config.frequency_mask:
        x = mask_frequency(x, config.frequency_mask, random)
    if config.mix_up:
        x, targets = mix_up(x, targets, config.mix_up, random)
    return x, targets


def mask_time(x: Floats, longest: int, random: np.random.Generator) -> Floats:
    """Replace a random run of 0 to `longest` frames of each clip by the clip's mean frame.

    x : float32 (N, frames, width, 1). Time masking as in SpecAugment (arXiv 1904.08779).
    """
    hidden = _runs(len(x), x.shape[1], longest, random)
    return np.where(hidden[..., None, None], x.mean(axis=1, keepdims=True), x)


def mask_frequency(x: Floats, widest: int, random: np.random.Generator) -> Floats:
    """Replace a random run of 0 to `widest` columns of each clip by their means over time.

    x : float32 (N, frames, width, 1). Frequency masking as in SpecAugment (arXiv 1904.08779): a
    column is a mel bin of `log_mel`, a cepstral coefficient of `mfcc`. The mean keeps what the
    microphone and the room add to the whole clip, and hides what the word does.
    """
    hidden = _runs(len(x), x.shape[2], widest, random)
    return np.where(hidden[:, None, :, None], x.mean(axis=1, keepdims=True), x)


def mix_up(
    x: Floats, targets: Floats, alpha: float, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mix each clip and its target with those of another of the batch (arXiv 1710.09412).

    x : float32 (N, frames, width, 1);  targets : float32 (N, classes). The share of the other clip
    is drawn from Beta(alpha, alpha) and is at most a half, so row i stays mostly clip i.
    """
    share = random.beta(alpha, alpha, len(x)).astype(np.float32)
    share = np.minimum(share, 1 - share)
    other = random.permutation(len(x))
    of_clips, of_targets = share[:, None, None, None], share[:, None]
    return (
        (1 - of_clips) * x + of_clips * x[other],
        (1 - of_targets) * targets + of_targets * targets[other],
    )


def _runs(count: int, size: int, longest: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Draw a run of 0 to `longest` of `size` places for each of `count` clips: (count, size)."""
    length = random.integers(0, min(longest, size) + 1, (count, 1))
    start = random.integers(0, size - length + 1)
    place = np.arange(size)
    return (place >= start) & (place < start + length)
