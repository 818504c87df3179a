"""The colour of a sound: what voices, mouths, microphones and cases do to a spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.wav import to_int16

Samples = NDArray[np.int16]

TILT_DB = 6.0
"""Most that an octave is louder or softer than the one below."""

PEAK_DB, PEAKS_HZ, PEAK_OCTAVES, PEAKS = 6.0, (200.0, 6000.0), 0.7, 2
"""Most that a peak or a dip changes, where it may lie, its width, and how many."""

_LIMITS_DB = (-25.0, 15.0)
_LOWEST_HZ = 80.0  # below, an octave is little of a voice
_LOUDEST = 25_000.0


def colour(speech: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Filter int16 (samples,) by a tilt about 1 kHz and some broad peaks and dips, drawn at random.

    Returns
    -------
    int16 (samples,)
        As loud as fits: the level is to be set afterwards.
    """
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(speech), 1 / rate_hz), _LOWEST_HZ) / 1000.0)
    gain_db = rng.uniform(-TILT_DB, TILT_DB) * octaves
    for _ in range(PEAKS):
        centre = np.log2(rng.uniform(*PEAKS_HZ) / 1000.0)
        shape = np.exp(-(((octaves - centre) / PEAK_OCTAVES) ** 2))
        gain_db += rng.uniform(-PEAK_DB, PEAK_DB) * shape
    gain = 10.0 ** (np.clip(gain_db, *_LIMITS_DB) / 20.0)
    coloured = np.fft.irfft(np.fft.rfft(speech) * gain, len(speech))
    return to_int16(coloured * (_LOUDEST / max(1.0, float(np.abs(coloured).max(initial=0.0)))))
