from __future__ import annotations

import numpy as np
from sounds import RATE_HZ, tone

from tinykit.audio.colour import PEAK_DB, PEAKS, TILT_DB, colour

_RNG = np.random.default_rng


def _ratio_db(speech: np.ndarray, low_hz: int, high_hz: int) -> float:
    """Return how much louder `high_hz` is than `low_hz`, of one second."""
    spectrum = np.abs(np.fft.rfft(speech))
    return float(20 * np.log10(spectrum[high_hz] / spectrum[low_hz]))


def test_colours_differ_and_stay_within_bounds() -> None:
    """Two octaves apart, as many dB as tilt and peaks allow; some up, some down."""
    both = tone(500, amplitude=4000.0) + tone(2000, amplitude=4000.0)
    found = [_ratio_db(colour(both, RATE_HZ, _RNG(seed)), 500, 2000) for seed in range(50)]
    most = 2 * TILT_DB + PEAKS * PEAK_DB * 2
    assert -most < min(found) < -5 and 5 < max(found) < most and abs(np.mean(found)) < 4


def test_a_colour_is_reproducible_and_never_clips() -> None:
    """The same generator gives the same samples; frequencies that were not there stay away."""
    loud = tone(1000, amplitude=32000.0)
    made = colour(loud, RATE_HZ, _RNG(1))
    np.testing.assert_array_equal(made, colour(loud, RATE_HZ, _RNG(1)))
    assert 24_000 < np.abs(made.astype(int)).max() <= 25_001 and _ratio_db(made, 1000, 3000) < -60


def test_silence_stays_silent() -> None:
    """Nothing is divided by nothing."""
    assert not colour(np.zeros(100, np.int16), RATE_HZ, _RNG(0)).any()
