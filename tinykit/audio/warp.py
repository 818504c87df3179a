"""A voice made faster or higher: speed moves tempo and pitch together, pitch leaves the tempo."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.wav import resample, to_int16

Samples = NDArray[np.int16]

_WINDOW = 512
"""Samples of the vocoder's window: 32 ms at 16 kHz, some three periods of a low voice."""

_HOP = _WINDOW // 4
_FINEST = 100
"""Largest denominator of a resampling ratio: 1 % steps, and short filters."""


def change_speed(samples: Samples, factor: float) -> Samples:
    """Play `samples` `factor` times as fast, pitch included (Ko et al., Interspeech 2015).

    Parameters
    ----------
    samples : int16 (count,)
    factor : float
        1.1 is 10 % faster and 1.65 semitones higher; taken to the nearest hundredth.

    Returns
    -------
    int16 (count,)
        Centred: zeros at both ends of a shorter one, both ends of a longer one cut off.
    """
    ratio = Fraction(factor).limit_denominator(_FINEST)
    if ratio == 1:
        return samples
    changed = resample(samples.astype(np.float64), ratio.numerator, ratio.denominator)
    return _centred(to_int16(changed), len(samples))


def change_pitch(samples: Samples, semitones: float) -> Samples:
    """Shift the pitch and keep the tempo: stretch by a phase vocoder, then resample.

    Formants move with the pitch, as they do from a large person to a small one.

    Parameters
    ----------
    samples : int16 (count,)
    semitones : float
        12 is an octave up.

    Returns
    -------
    int16 (count,)
    """
    ratio = Fraction(2.0 ** (semitones / 12.0)).limit_denominator(_FINEST)
    if ratio == 1 or not samples.any():
        return samples
    longer = stretch(samples.astype(np.float64), float(ratio))
    changed = resample(longer, ratio.numerator, ratio.denominator)
    return _centred(to_int16(changed), len(samples))


def stretch(signal: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Make float (count,) last `factor` times as long at the same pitch.

    Notes
    -----
    Phase vocoder (Flanagan and Golden, Bell System Technical Journal 45, 1966) with identity phase
    locking (Laroche and Dolson, IEEE Trans. Speech Audio Process. 7, 1999): magnitudes are
    interpolated between analysis frames, the phase of each spectral peak advances by what it did
    between them, and the bins around a peak keep their phases relative to it.
    """
    window = np.hanning(_WINDOW + 1)[:-1]
    padded = np.pad(signal, (_WINDOW, 2 * _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectra = np.fft.rfft(frames * window)
    magnitude, angle = np.abs(spectra), np.angle(spectra)

    at = np.arange(0, len(spectra) - 1, 1.0 / factor)
    before = at.astype(int)
    part = (at - before)[:, None]
    level = (1 - part) * magnitude[before] + part * magnitude[before + 1]
    phase = _locked_phases(magnitude, angle, before)
    pieces = np.fft.irfft(level * np.exp(1j * phase), _WINDOW) * window

    result = np.zeros(_HOP * (len(at) - 1) + _WINDOW)
    weight = np.zeros_like(result)
    for quarter in range(4):  # windows four apart do not overlap: a block of each is one addition
        rows = pieces[quarter::4]
        start = quarter * _HOP
        span = slice(start, start + rows.size)
        result[span] += rows.ravel()
        weight[span] += np.tile(window**2, len(rows))
    result /= np.maximum(weight, 1e-3)
    start = round(_WINDOW * factor)
    return result[start : start + round(len(signal) * factor)]


def _locked_phases(
    magnitude: NDArray[np.float64], angle: NDArray[np.float64], before: NDArray[np.int_]
) -> NDArray[np.float64]:
    """Return the phases of the synthesis frames, made from analysis frames `before`, (M, bins)."""
    advance = 2 * np.pi * _HOP * np.arange(magnitude.shape[1]) / _WINDOW
    deviation = np.diff(angle, axis=0) - advance
    step = advance + deviation - 2 * np.pi * np.round(deviation / (2 * np.pi))
    peaks = np.zeros(magnitude.shape, bool)
    inner = magnitude[:, 1:-1]
    peaks[:, 1:-1] = (inner > magnitude[:, :-2]) & (inner >= magnitude[:, 2:])
    peaks[:, 0] = True  # so that there is one in every frame

    phases = np.empty((len(before), magnitude.shape[1]))
    phases[0] = angle[before[0]]
    for row in range(1, len(before)):
        frame = before[row]
        of_frame = np.flatnonzero(peaks[frame])
        border = (of_frame[1:] + of_frame[:-1]) / 2
        peak = of_frame[np.searchsorted(border, np.arange(magnitude.shape[1]))]
        moved = phases[row - 1] + step[before[row - 1]]
        phases[row] = moved[peak] + angle[frame] - angle[frame][peak]
    return phases


def _centred(samples: Samples, count: int) -> Samples:
    """Return exactly `count` samples around the middle of `samples`."""
    missing = count - len(samples)
    if missing >= 0:
        return np.pad(samples, (missing // 2, missing - missing // 2))
    return samples[-missing // 2 :][:count]
