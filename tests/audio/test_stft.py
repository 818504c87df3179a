"""Short-time Fourier transform and inverse: exact between numpy and C, and accurate."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from frontend_signals import signals
from stft_host import Program

from tinykit.audio import stft
from tinykit.audio.stft_spec import StftSpec
from tinykit.errors import ConfigError

SPECS = {
    "512/256": StftSpec(),
    "256/128 erb": StftSpec(window_samples=256, hop_samples=128, bands=24, pitch="erb"),
    "512/128": StftSpec(hop_samples=128, bands=32, low_hz=100, high_hz=7000),
    "64/8": StftSpec(window_samples=64, hop_samples=8, bands=5),
    "2048/1024, many bands": StftSpec(window_samples=2048, hop_samples=1024, bands=256),
    "1024/512, 8 kHz": StftSpec(8000, 1024, 512, bands=40, high_hz=4000),
}


SIGNALS = signals(16000)


def gains_of_all_kinds(hops: int, bands: int) -> np.ndarray:
    """Zero, one, steps between neighbours, and random ones: int16 (hops, bands)."""
    gains = np.random.default_rng(0).integers(0, stft.GAIN_ONE + 1, (hops, bands))
    gains[::4] = stft.GAIN_ONE
    gains[1::8] = 0
    gains[2::8, ::2], gains[2::8, 1::2] = 0, stft.GAIN_ONE
    return gains.astype(np.int16)


def twin(samples: np.ndarray, gains: np.ndarray, spec: StftSpec) -> tuple[np.ndarray, np.ndarray]:
    """What numpy computes: features and audio."""
    spectrum = stft.analyse(stft.frames(samples, spec), spec)
    shaped = stft.apply(spectrum, stft.bin_gains(gains, spec))
    return stft.features(spectrum, spec), stft.synthesize(shaped, spec)


def whole_hops(samples: np.ndarray, spec: StftSpec) -> np.ndarray:
    """The samples without the end that does not fill a hop, at most 24 hops."""
    return samples[: min(len(samples) // spec.hop_samples, 24) * spec.hop_samples]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Program]:
    """The C of a specification by its name."""
    return functools.cache(lambda name: Program(tmp_path_factory.mktemp("stft"), SPECS[name]))


@pytest.mark.host
@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_numpy_and_c_agree_on_every_byte(program, name: str, signal: str) -> None:
    """Features and audio, for any audio and any gains; ASan and UBSan find nothing."""
    spec = SPECS[name]
    samples = whole_hops(SIGNALS[signal], spec)
    gains = gains_of_all_kinds(len(samples) // spec.hop_samples, spec.bands)
    features, audio = program(name).run(samples, gains)
    expected_features, expected_audio = twin(samples, gains, spec)
    np.testing.assert_array_equal(features, expected_features)
    np.testing.assert_array_equal(audio, expected_audio)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_values_fit_32_bits(name: str, signal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every butterfly of both directions, with gains of one and with alternating ones."""
    largest = 0
    from tinykit.audio import frontend_fft

    def watched(function):
        def run(*args, **options):
            nonlocal largest
            result = function(*args, **options)
            largest = max(largest, *(int(np.abs(part).max(initial=0)) for part in result))
            return result

        return run

    for inner in ("_butterfly", "times", "times_conjugate"):
        monkeypatch.setattr(frontend_fft, inner, watched(getattr(frontend_fft, inner)))
    spec = SPECS[name]
    samples = whole_hops(SIGNALS[signal], spec)
    twin(samples, gains_of_all_kinds(len(samples) // spec.hop_samples, spec.bands), spec)
    assert largest < 2**31


@pytest.mark.parametrize("name", SPECS)
def test_gains_of_one_give_the_input_back(name: str) -> None:
    """Speech-like noise at full scale, after the stated delay: the error is 75 dB below."""
    spec = SPECS[name]
    count = 40 * spec.hop_samples
    noise = np.random.default_rng(1).standard_normal(count)
    samples = (noise * 8000).clip(-32768, 32767).astype(np.int16)
    ones = np.full((40, spec.bands), stft.GAIN_ONE)
    _, audio = twin(samples, ones, spec)
    late = spec.window_samples - spec.hop_samples
    error = audio[late:].astype(float) - samples[: count - late]
    ratio = np.sum(samples[: count - late].astype(float) ** 2) / np.sum(error**2)
    assert 10 * np.log10(ratio) > 75
    assert spec.delay_samples == late + spec.hop_samples
    assert not audio[:late].any() or np.abs(audio[:late]).max() <= 1


@pytest.mark.parametrize("name", SPECS)
def test_spectrum_is_that_of_float64(name: str) -> None:
    """Against numpy's FFT of the windowed frame, over 80 dB; the two real bins included."""
    spec = SPECS[name]
    random = np.random.default_rng(2)
    frames = random.integers(-20000, 20000, (20, spec.window_samples)).astype(np.int16)
    re, im = stft.analyse(frames, spec)
    n = spec.window_samples
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n)
    expected = np.fft.rfft(frames / 32768 * window) * 2.0**31 / n
    found = re[:, 1:] + 1j * im[:, 1:]
    ends = np.stack([re[:, 0], im[:, 0]], 1)
    error = np.sum(np.abs(found - expected[:, 1:-1]) ** 2)
    error += np.sum((ends - expected[:, [0, -1]].real) ** 2)
    assert 10 * np.log10(np.sum(np.abs(expected) ** 2) / error) > 80


def test_gains_are_interpolated_between_bands() -> None:
    """At a band's centre its own gain, outside of the bands that of the outermost one."""
    spec = StftSpec(bands=8, low_hz=500, high_hz=6000)
    gains = np.array([[100, 200, 300, 400, 500, 600, 700, 800]])
    (bins,) = stft.bin_gains(gains, spec)
    assert len(bins) == spec.bins + 1
    assert (bins[0], bins[-1]) == (100, 800)
    assert (np.diff(bins) >= 0).all()
    assert (bins[6000 * 512 // 16000 :] == 800).all()


def test_a_band_of_gain_zero_is_silent() -> None:
    """A tone in a band that is shut is 60 dB lower; one in an open band is untouched."""
    spec = StftSpec(bands=16)
    time = np.arange(16000) / 16000
    low, high = (
        (8000 * np.sin(2 * np.pi * hz * time)).astype(np.int16)[: 60 * 256] for hz in (300, 5000)
    )
    gains = np.full((60, 16), stft.GAIN_ONE)
    gains[:, 8:] = 0

    def level(samples: np.ndarray) -> float:
        return float(np.sqrt(np.mean(twin(samples, gains, spec)[1][1024:].astype(float) ** 2)))

    assert level(low) == pytest.approx(8000 / np.sqrt(2), rel=0.01)
    assert level(high) < 6


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"window_samples": 500}, "power of two"),
        ({"hop_samples": 300}, "a half, a quarter or an eighth"),
        ({"pitch": "bark"}, "pitch is 'bark'"),
        ({"bands": 1}, "bands = 1"),
        ({"high_hz": 9000}, "high_hz = 9000"),
        ({"low_hz": 8000}, "low_hz = 8000"),
        ({"scale": 0.0}, "scale = 0.0"),
    ],
)
def test_what_cannot_be_computed_is_refused(wrong: dict, said: str) -> None:
    """By name, with the limits."""
    with pytest.raises(ConfigError, match=said):
        StftSpec(**wrong)


def test_c_of_a_specification_never_changes_by_itself(tmp_path: Path) -> None:
    """Two makings of it are the same bytes."""
    from tinykit.audio.spectrum_c import sources

    assert sources(StftSpec()) == sources(StftSpec())
