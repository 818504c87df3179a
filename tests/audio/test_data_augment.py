from __future__ import annotations

import numpy as np
import pytest
from sounds import RATE_HZ, tone

from tinykit.audio.augment import augment, shift, snr_factor
from tinykit.audio.noise import Noise, power
from tinykit.audio.seeded import generator
from tinykit.config import Augment

QUIET = Augment(time_shift_ms=0, noise_probability=0.0, gain_db=(0.0, 0.0))


def _augment(samples: np.ndarray, noise: Noise, table: Augment, seed: int = 0) -> np.ndarray:
    return augment(samples, noise, table, RATE_HZ, generator("test", seed))


def test_nothing_asked_for_changes_nothing(noise: Noise) -> None:
    """With every option off, the clip comes back bit for bit."""
    clip = tone(500)
    np.testing.assert_array_equal(_augment(clip, noise, QUIET), clip)


def test_the_same_seed_repeats_and_another_differs(noise: Noise) -> None:
    """A version is a function of the clip and its seed."""
    clip = tone(500)
    first = _augment(clip, noise, Augment(), 1)
    np.testing.assert_array_equal(first, _augment(clip, noise, Augment(), 1))
    assert (first != _augment(clip, noise, Augment(), 2)).any()


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 20.0])
def test_the_signal_to_noise_ratio_is_as_asked_for(noise: Noise, snr_db: float) -> None:
    """What was added to the clip has the power that the ratio says."""
    table = Augment(
        time_shift_ms=0, noise_probability=1.0, noise_snr_db=(snr_db, snr_db), gain_db=(0.0, 0.0)
    )
    clip = tone(500, amplitude=4000)
    added = _augment(clip, noise, table).astype(np.int32) - clip
    found = 10 * np.log10(power(clip) / power(added))
    assert found == pytest.approx(snr_db, abs=0.05)


def test_gain_scales_clip_and_noise_alike(noise: Noise) -> None:
    """Gain is applied to the mixture, so that the ratio stays."""
    noisy = {"time_shift_ms": 0, "noise_probability": 1.0, "noise_snr_db": (10.0, 10.0)}
    clip = tone(500, amplitude=2000)
    plain = _augment(clip, noise, Augment(**noisy, gain_db=(0.0, 0.0)))
    louder = _augment(clip, noise, Augment(**noisy, gain_db=(6.0, 6.0)))
    assert np.abs(louder - plain * 10 ** (6 / 20)).max() <= 1.5


def test_gain_never_clips(noise: Noise) -> None:
    """Gain ends where the loudest sample reaches full scale."""
    clip = tone(500, amplitude=20000)
    loud = _augment(clip, noise, Augment(time_shift_ms=0, noise_probability=0.0, gain_db=(9, 9)))
    assert np.abs(loud.astype(int)).max() == 32767
    assert np.abs(loud - clip * (32767 / np.abs(clip).max())).max() <= 0.51


def test_the_shift_stays_in_its_range(noise: Noise) -> None:
    """An impulse moves by at most the limit, and reaches both sides of it."""
    clip = np.zeros(RATE_HZ, np.int16)
    clip[8000] = 1000
    table = Augment(time_shift_ms=10, noise_probability=0.0, gain_db=(0.0, 0.0))
    moves = [int(_augment(clip, noise, table, seed).argmax()) - 8000 for seed in range(400)]
    assert -160 <= min(moves) < -140 and 140 < max(moves) <= 160


def test_shift_moves_both_ways() -> None:
    """Zeros come in at one end, samples fall out at the other."""
    samples = np.array([1, 2, 3, 4], np.int16)
    assert shift(samples, 1).tolist() == [0, 1, 2, 3]
    assert shift(samples, -1).tolist() == [2, 3, 4, 0]
    assert shift(samples, 0).tolist() == [1, 2, 3, 4]
    assert shift(samples, 4).tolist() == shift(samples, -4).tolist() == [0, 0, 0, 0]


def test_a_shift_longer_than_the_clip_is_harmless(noise: Noise) -> None:
    """A limit beyond the clip moves by at most the clip."""
    table = Augment(time_shift_ms=5000, noise_probability=0.0)
    assert all(_augment(tone(500), noise, table, seed).shape == (RATE_HZ,) for seed in range(20))


def test_an_option_switched_off_leaves_the_other_draws(noise: Noise) -> None:
    """The shift of a version does not depend on whether noise is on."""
    clip = np.zeros(RATE_HZ, np.int16)
    clip[8000] = 10000
    off, on = (
        Augment(noise_probability=p, noise_snr_db=(40, 40), gain_db=(0, 0)) for p in (0.0, 1.0)
    )
    for seed in range(10):
        assert _augment(clip, noise, off, seed).argmax() == _augment(clip, noise, on, seed).argmax()


def test_digital_silence_gets_the_noise_as_it_is() -> None:
    """No ratio to nothing: no division by zero, and no infinite gain."""
    silent, hiss = np.zeros(100, np.int16), np.ones(100, np.int16)
    assert snr_factor(silent, hiss, 10.0) == snr_factor(hiss, silent, 10.0) == 1.0
