"""Audio that is hard on a fixed-point front end."""

from __future__ import annotations

import numpy as np

from tinykit.audio.micro_spec import Micro
from tinykit.audio.spec import FeatureSpec

MEL_SPECS = {
    "default": FeatureSpec(),
    "log_mel_40": FeatureSpec(kind="log_mel"),
    "8_khz_25_10_ms": FeatureSpec(
        sample_rate_hz=8000, window_ms=25, hop_ms=10, high_hz=4000, mel_bins=32, coefficients=13
    ),
    "fft_64": FeatureSpec(window_ms=3, hop_ms=3, mel_bins=4, coefficients=4, clip_ms=200),
    "fft_1024_odd_bins": FeatureSpec(
        window_ms=60, hop_ms=20, mel_bins=41, coefficients=13, lifter=0
    ),
    "fft_2048_64_bins": FeatureSpec(
        kind="log_mel", window_ms=128, hop_ms=7, mel_bins=64, low_hz=0, high_hz=8000
    ),
    "full_window_fft_128_no_overlap": FeatureSpec(
        window_ms=8, hop_ms=8, mel_bins=9, coefficients=9, scale=0.01, zero_point=-3
    ),
}
"""Every FFT size from 64 to 2048, both kinds, both radices of the first stage, odd mel bins."""

MICRO_SPECS = {
    "micro": FeatureSpec(kind="micro"),
    "micro_fft_1024_odd_bins": FeatureSpec(
        kind="micro", window_ms=64, hop_ms=20, mel_bins=41, low_hz=0, high_hz=8000
    ),
    "micro_fft_64_8_khz": FeatureSpec(
        kind="micro",
        sample_rate_hz=8000,
        window_ms=8,
        hop_ms=4,
        mel_bins=6,
        high_hz=4000,
        clip_ms=300,
        micro=Micro(8, 0.5, 0.2, 0.3, 0.5, 200.0, 18, 7),
        scale=0.05,
        zero_point=-100,
    ),
}
"""TensorFlow Lite Micro's own parameters, and others: every radix of the first stage, odd bins."""

SPECS = MEL_SPECS | MICRO_SPECS


def signals(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return int16 (count,) signals by name."""
    rng = np.random.default_rng(seed)
    n = np.arange(count)
    impulse = np.zeros(count)
    impulse[:: max(1, count // 7)] = -32768
    chirp = np.sin(np.pi * n**2 / (2 * count)) * 32767
    values = {
        "silence": np.zeros(count),
        "dc_lowest": np.full(count, -32768),
        "dc_highest": np.full(count, 32767),
        "dc_one": np.ones(count),
        "nyquist": np.where(n % 2, 32767, -32768),
        "square": np.where(n // 16 % 2, 32767, -32768),
        "impulses": impulse,
        "chirp": chirp,
        "quiet_chirp": chirp / 20000,
        "clipped": np.clip(chirp * 50, -32768, 32767),
        "sine_at_a_bin": 32767 * np.sin(2 * np.pi * n / 16),
        "fading": chirp * np.exp(-12 * n / count),
        "noise": rng.integers(-32768, 32768, count),
        "noise_of_one_step": rng.integers(-1, 2, count),
        "extreme_noise": rng.choice([-32768, 32767], count),
    }
    return {name: np.round(value).astype(np.int16) for name, value in values.items()}
