"""Other ways in which the same recording could have sounded: moved, louder, in noise.

Every version draws from a generator of its own (`tinykit.audio.seeded`), so it does not depend on
how many versions are made, or in which order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.noise import Noise, power
from tinykit.audio.wav import to_int16
from tinykit.config import Augment

Samples = NDArray[np.int16]


def augment(
    samples: Samples, noise: Noise, table: Augment, rate_hz: int, rng: np.random.Generator
) -> Samples:
    """Return one augmented version of a training clip.

    Parameters
    ----------
    samples : int16 (clip_samples,)
    noise : Noise
        Of which only the training part is used.
    table : Augment
        `[augment]`: ranges and probabilities.
    rate_hz : int
        Sample rate of `samples`.
    rng : numpy.random.Generator
        The generator of this version.

    Returns
    -------
    int16 (clip_samples,)
        Never clipped: the gain stops where the loudest sample reaches full scale.
    """
    # Every draw is made, used or not: switching one option off leaves the others as they were.
    limit = min(table.time_shift_ms * rate_hz // 1000, len(samples))
    offset = int(rng.integers(-limit, limit + 1))
    noisy = rng.random() < table.noise_probability
    snr_db = float(rng.uniform(*table.noise_snr_db))
    gain_db = float(rng.uniform(*table.gain_db))
    background = noise.excerpt("training", len(samples), rng)

    mixed = shift(samples, offset).astype(np.float64)
    if noisy:
        mixed += background * snr_factor(shift(samples, offset), background, snr_db)
    peak = float(np.abs(mixed).max())
    gain = 10.0 ** (gain_db / 20.0)
    return to_int16(mixed * (min(gain, 32767.0 / peak) if peak else 0.0))


def shift(samples: Samples, offset: int) -> Samples:
    """Move `samples` later by `offset`, earlier when negative; zeros come in at the free end."""
    moved = np.zeros_like(samples)
    if offset >= 0:
        moved[offset:] = samples[: len(samples) - offset]
    else:
        moved[:offset] = samples[-offset:]
    return moved


def snr_factor(signal: Samples, noise: Samples, snr_db: float) -> float:
    """Return by what to multiply `noise` so that ``10 log10(P_signal / P_noise) = snr_db``.

    Powers are means over the whole clip, pauses included. Digital silence has no ratio to
    anything: the noise is then left as it is.
    """
    signal_power, noise_power = power(signal), power(noise)
    if not signal_power or not noise_power:
        return 1.0
    return float((signal_power / noise_power) ** 0.5 * 10.0 ** (-snr_db / 20.0))
