"""The float transforms of training beside the integer ones of the device."""

from __future__ import annotations

import numpy as np
import pytest

from tinykit.audio import float_stft, stft
from tinykit.audio.stft_spec import StftSpec

SPECS = (
    StftSpec(),
    StftSpec(window_samples=256, hop_samples=64, bands=40, pitch="erb", low_hz=100, high_hz=7000),
)


@pytest.fixture(params=SPECS, ids=lambda spec: f"{spec.window_samples}/{spec.hop_samples}")
def spec(request: pytest.FixtureRequest) -> StftSpec:
    """A transform."""
    found: StftSpec = request.param
    return found


def _sound(spec: StftSpec) -> np.ndarray:
    count = 100 * spec.hop_samples
    swell = np.linspace(0.001, 1.0, count)
    noise = np.random.default_rng(3).standard_normal(count)
    return (8000 * swell * noise).clip(-32768, 32767).astype(np.int16)


def test_features_are_those_of_the_device(spec: StftSpec) -> None:
    """All but a few are the same int8 value, none is further off than one step."""
    sound = _sound(spec)
    device = stft.features(stft.analyse(stft.frames(sound, spec), spec), spec)
    spectra = float_stft.spectra((sound / 32768).astype(np.float32), spec)
    steps = float_stft.features(spectra, spec) / spec.scale + spec.zero_point
    off = np.abs(np.rint(steps).astype(int) - device)
    assert off.max() <= 1
    assert (off > 0).mean() < 0.02


def test_gains_of_bins_are_those_of_the_device(spec: StftSpec) -> None:
    """Interpolated between the bands, held beyond the outermost."""
    gains = np.random.default_rng(1).integers(0, 32768, (20, spec.bands))
    device = stft.bin_gains(gains, spec)
    assert np.abs(gains @ float_stft.gain_matrix(spec) - device).max() < 2.0
