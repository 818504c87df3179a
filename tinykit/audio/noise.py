"""Background noise, cut in time so that what a test hears was never heard in training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.seeded import Key, generator
from tinykit.audio.split import SPLITS, Split
from tinykit.audio.wav import FULL_SCALE, to_int16

Samples = NDArray[np.int16]

SHARES: dict[Split, float] = {"training": 0.70, "validation": 0.15, "testing": 0.15}
"""Part of each recording's time that goes to each split, in this order."""

DIGITAL_SILENCE_PROBABILITY = 0.1
"""Share of silence clips that are all zeros, as a muted microphone gives."""

SILENCE_LEVEL_DB = (-75.0, -25.0)
"""RMS range of the other silence clips, in dB of full scale: from a quiet room to a loud one."""

COLOURS = ("white", "pink", "brown", "hum")
"""Kinds of noise that `coloured` makes."""

_SYNTHETIC_LEVEL_DB = -30.0


@dataclass(frozen=True)
class Noise:
    """Noise recordings, apart by split.

    Attributes
    ----------
    parts : mapping of split to mapping of name to int16 (samples,)
        What each split may use of each recording.
    synthetic : bool
        Whether it was computed rather than recorded.
    """

    parts: Mapping[Split, Mapping[str, Samples]]
    synthetic: bool = False

    def excerpt(self, split: Split, count: int, rng: np.random.Generator) -> Samples:
        """Return int16 (count,) from a random place of a random recording of `split`."""
        recordings = self.parts[split]
        part = recordings[sorted(recordings)[int(rng.integers(len(recordings)))]]
        start = int(rng.integers(max(1, len(part) - count + 1)))
        # A part shorter than a clip is repeated.
        return part[start : start + count] if len(part) >= count else np.resize(part, count)

    def silence(self, split: Split, count: int, rng: np.random.Generator) -> Samples:
        """Return int16 (count,) in which nobody speaks: noise at a random level, or zeros."""
        if rng.random() < DIGITAL_SILENCE_PROBABILITY:
            return np.zeros(count, np.int16)
        return at_level(self.excerpt(split, count, rng), float(rng.uniform(*SILENCE_LEVEL_DB)))

    def samples(self, split: Split) -> int:
        """Return how many samples `split` has over all recordings."""
        return sum(map(len, self.parts[split].values()))


def power(samples: NDArray[np.int16]) -> float:
    """Return the mean square of int16 samples; exact, so that draws agree between machines."""
    wide = samples.astype(np.int64)
    return int(wide @ wide) / max(1, len(wide))


def at_level(samples: NDArray[np.int16], level_db: float) -> Samples:
    """Scale to an RMS level in dB of full scale, or to the loudest that does not clip."""
    present = power(samples)
    if present == 0.0:
        return samples
    gain = FULL_SCALE * 10.0 ** (level_db / 20.0) / present**0.5
    peak = int(np.abs(samples.astype(np.int32)).max())
    return to_int16(samples * min(gain, 32767.0 / peak))


def cut(recordings: Mapping[str, Samples]) -> Noise:
    """Give each split its own stretch of time of each recording.

    Recordings too short to give every split a sample are left out.
    """
    parts: dict[Split, dict[str, Samples]] = {split: {} for split in SPLITS}
    for name, samples in recordings.items():
        edges = np.rint(np.cumsum([0.0, *SHARES.values()]) * len(samples)).astype(int)
        pieces = [samples[a:b] for a, b in pairwise(edges)]
        if all(map(len, pieces)):
            for split, piece in zip(SHARES, pieces, strict=True):
                parts[split][name] = piece
    return Noise(parts)


def synthesize(rate_hz: int, seconds: float, *seed: Key) -> Noise:
    """Make `seconds` of each of `COLOURS` for each split, from seeds of its own."""
    count = round(rate_hz * seconds)
    return Noise(
        {
            split: {
                kind: coloured(kind, count, rate_hz, generator("noise", *seed, split, kind))
                for kind in COLOURS
            }
            for split in SPLITS
        },
        synthetic=True,
    )


def coloured(kind: str, count: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return int16 (count,) of noise whose power falls with frequency as its name says.

    `white` is flat, `pink` falls by 3 dB an octave, `brown` by 6; `hum` is a mains frequency and
    its harmonics over faint white noise.
    """
    white = rng.standard_normal(count)
    if kind == "hum":
        mains_hz = float(rng.choice([50.0, 60.0]))
        harmonic = np.arange(1, 16)[:, None]
        angle = 2 * np.pi * mains_hz * harmonic * np.arange(rate_hz) / rate_hz
        strength = rng.uniform(0.2, 1.0, harmonic.shape) / harmonic
        phase = rng.uniform(0, 2 * np.pi, harmonic.shape)
        second = (strength * np.sin(angle + phase)).sum(axis=0)
        signal = np.resize(second, count) + 0.02 * white  # whole periods: no seam
    else:
        slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[kind]
        spectrum = np.fft.rfft(white)
        # Flat below 20 Hz: nothing can be heard there, and the power would go to infinity at 0.
        frequency = np.maximum(np.fft.rfftfreq(count, 1 / rate_hz), 20.0)
        signal = np.fft.irfft(spectrum / frequency**slope, count)
    signal /= np.sqrt(np.mean(signal**2))
    return to_int16(signal * FULL_SCALE * 10.0 ** (_SYNTHETIC_LEVEL_DB / 20.0))
