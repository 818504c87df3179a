from __future__ import annotations

import numpy as np
import pytest
from sounds import RATE_HZ, tone

from tinykit.audio.warp import change_pitch, change_speed, stretch

pytest.importorskip("scipy")


def _pitch_hz(samples: np.ndarray) -> float:
    """The strongest frequency of the middle half second."""
    middle = samples[len(samples) // 4 : len(samples) * 3 // 4].astype(float)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 18))
    return float(spectrum.argmax()) * RATE_HZ / (1 << 18)


def _duration(samples: np.ndarray) -> int:
    """Samples from the first loud one to the last."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 500)
    return int(loud[-1] - loud[0])


def _word() -> np.ndarray:
    """A tone of 300 ms in the middle of a clip of one second."""
    clip = np.zeros(RATE_HZ, np.int16)
    clip[5600:10400] = tone(440, 0.3)
    return clip


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.25])
def test_speed_changes_tempo_and_pitch_together(factor: float) -> None:
    """A word played faster is shorter and higher by the same factor, in the same place."""
    changed = change_speed(_word(), factor)
    assert changed.shape == (RATE_HZ,) and changed.dtype == np.int16
    assert _duration(changed) == pytest.approx(4800 / factor, abs=60)
    assert _pitch_hz(changed) == pytest.approx(440 * factor, rel=0.01)
    centre = np.flatnonzero(np.abs(changed.astype(int)) > 500).mean()
    assert centre == pytest.approx(8000, abs=60)


@pytest.mark.parametrize("semitones", [-12.0, -3.0, 2.0, 7.0])
def test_pitch_changes_without_the_tempo(semitones: float) -> None:
    """A tone is higher by the semitones asked for, and lasts as long, as loud, as before."""
    changed = change_pitch(tone(440), semitones)
    assert changed.shape == (RATE_HZ,)
    assert _pitch_hz(changed) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.005)
    word = change_pitch(_word(), semitones)
    assert _duration(word) == pytest.approx(4800, abs=700)  # a window smears the ends
    middle = slice(RATE_HZ // 4, 3 * RATE_HZ // 4)
    loudness = np.sqrt(np.mean(changed[middle].astype(float) ** 2))
    assert loudness == pytest.approx(8000 / 2**0.5, rel=0.05)


def test_factors_of_one_change_nothing() -> None:
    """Speed 1 and no semitones give the clip back bit for bit."""
    clip = tone(440)
    np.testing.assert_array_equal(change_speed(clip, 1.0), clip)
    np.testing.assert_array_equal(change_pitch(clip, 0.0), clip)


@pytest.mark.parametrize("factor", [0.5, 0.94, 1.0, 1.5, 2.0])
def test_stretching_keeps_the_frequency(factor: float) -> None:
    """A stretched tone lasts as much longer as asked for, at the same pitch."""
    longer = stretch(tone(440).astype(float), factor)
    assert len(longer) == round(RATE_HZ * factor)
    assert _pitch_hz(longer) == pytest.approx(440, rel=0.005)


def test_stretching_by_one_is_the_signal() -> None:
    """With factor 1 the vocoder gives back what went in, to rounding."""
    signal = np.random.default_rng(0).standard_normal(4000)
    np.testing.assert_allclose(stretch(signal, 1.0), signal, atol=1e-9)


def test_silence_and_short_clips_survive() -> None:
    """Zeros stay zeros, and a clip shorter than the vocoder's window works."""
    assert not change_pitch(np.zeros(1000, np.int16), 5.0).any()
    assert change_pitch(tone(440, 0.01), 5.0).shape == (160,)
    assert change_speed(tone(440, 0.01), 0.5).shape == (160,)
