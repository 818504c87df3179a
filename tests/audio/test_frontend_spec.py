"""The feature specification: what it derives, what it rejects."""

import msgspec
import numpy as np
import pytest

from tinykit import config, toml
from tinykit.audio import frontend_mel
from tinykit.audio.spec import DEFAULT_QUANTIZATION, FeatureSpec
from tinykit.errors import ConfigError


def test_default_is_49_frames_of_10():
    """30 ms every 20 ms of one second: windows that lie wholly inside."""
    spec = FeatureSpec()
    assert (spec.frames, spec.width, spec.fft_size) == (49, 10, 512)
    assert (spec.clip_samples, spec.window_samples, spec.hop_samples) == (16000, 480, 320)


@pytest.mark.parametrize("kind", DEFAULT_QUANTIZATION)
def test_quantization_defaults_to_that_of_the_kind(kind):
    """Without a scale, scale and zero point are the kind's."""
    spec = FeatureSpec(kind=kind)
    assert (spec.scale, spec.zero_point) == DEFAULT_QUANTIZATION[kind]


def test_given_quantization_is_kept():
    """A scale and zero point that are given are not replaced."""
    spec = FeatureSpec(scale=0.5, zero_point=-7)
    assert (spec.scale, spec.zero_point) == (0.5, -7)


def test_json_round_trip_is_explicit():
    """The metadata in the .tflite holds the quantization itself, not `default`."""
    text = msgspec.json.encode(FeatureSpec(kind="log_mel"))
    assert b'"scale":0.09375,"zero_point":20' in text
    assert msgspec.json.decode(text, type=FeatureSpec) == FeatureSpec(kind="log_mel")


def test_bands_cover_the_range_without_a_gap():
    """Bins from the first on are in consecutive bands; the last lies below high_hz."""
    spec = FeatureSpec()
    bands = spec.mel_bands()
    bins = sum(len(band) for band in bands.weights)
    spacing = spec.sample_rate_hz / spec.fft_size
    assert len(bands.weights) == spec.mel_bins + 1
    assert (bands.first - 1) * spacing <= spec.low_hz < bands.first * spacing
    assert (bands.first + bins - 1) * spacing < spec.high_hz <= (bands.first + bins) * spacing


@pytest.mark.parametrize("low_hz", [0, 20, 60, 300])
@pytest.mark.parametrize("fft_size", [128, 256, 512])
def test_empty_filters_are_found(fft_size, low_hz):
    """A filter counts as empty just where a dense float64 filter bank has only zeros."""
    for mel_bins in range(20, 129, 12):
        bands = frontend_mel.bands(16000, fft_size, mel_bins, low_hz, 8000)
        edges = np.linspace(frontend_mel.mel(low_hz), frontend_mel.mel(8000), mel_bins + 2)
        pitch = [frontend_mel.mel(k * 16000 / fft_size) for k in range(1, fft_size // 2)]
        inside = np.histogram(pitch, edges)[0]
        empty = np.flatnonzero(inside[:-1] + inside[1:] == 0)
        assert frontend_mel.empty_filters(bands) == empty.tolist()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "spectrogram"}, "kind"),
        ({"sample_rate_hz": 3000}, "sample_rate_hz = 3000"),
        ({"sample_rate_hz": 96000}, "sample_rate_hz = 96000"),
        ({"sample_rate_hz": 11025, "high_hz": 5000, "window_ms": 32}, "whole number of samples"),
        ({"sample_rate_hz": 11000, "high_hz": 5000, "window_ms": 30}, "330 samples"),
        ({"clip_ms": 0}, "clip_ms = 0"),
        ({"window_ms": 0}, "window_ms = 0"),
        ({"window_ms": 1001}, "window_ms = 1001"),
        ({"window_ms": 2, "hop_ms": 2}, "32 samples"),
        ({"window_ms": 129}, "2064 samples"),
        ({"hop_ms": -1}, "hop_ms = -1"),
        ({"hop_ms": 31}, "hop_ms = 31"),
        ({"mel_bins": 0}, "mel_bins = 0"),
        ({"mel_bins": 129}, "mel_bins = 129"),
        ({"mel_bins": 80, "window_ms": 16, "hop_ms": 16}, "holds no bin"),
        ({"low_hz": -2}, "low_hz = -2"),
        ({"low_hz": 7600}, "low_hz = 7600"),
        ({"high_hz": 8001}, "high_hz = 8001"),
        ({"coefficients": 0}, "coefficients = 0"),
        ({"coefficients": 41}, "coefficients = 41"),
        ({"coefficients": 23}, "lifter = 22"),
        ({"lifter": -1}, "lifter = -1"),
        ({"lifter": 1}, "lifter = 1"),
        ({"scale": -0.1}, "scale = -0.1"),
        ({"scale": 1e-5}, "scale = 1e-05"),
        ({"scale": float("nan")}, "scale = nan"),
        ({"scale": float("inf")}, "scale = inf"),
        ({"scale": 0.5, "zero_point": 128}, "zero_point = 128"),
        ({"zero_point": 3}, "zero_point = 3 without a scale"),
    ],
)
def test_what_cannot_be_computed_is_rejected(wrong, said):
    """A specification with a wrong value is a ConfigError that names it and says what to try."""
    with pytest.raises(ConfigError) as caught:
        FeatureSpec(**wrong)
    assert said in caught.value.message
    assert caught.value.message.startswith("features: ")
    assert caught.value.hint


def test_cepstrum_is_not_checked_for_log_mel():
    """`coefficients` says nothing about log-mel features."""
    assert FeatureSpec(kind="log_mel", mel_bins=8, coefficients=10).width == 8


def test_wrong_table_in_a_project_file_is_a_config_error(tmp_path):
    """Reading tinykit.toml checks [features]."""
    (tmp_path / "tinykit.toml").write_text(
        '[project]\nname = "x"\ntask = "keyword-spotting"\nboard = "mps2-an386"\n'
        "[features]\nwindow_ms = 2000\n"
    )
    with pytest.raises(ConfigError, match="window_ms = 2000"):
        toml.load(tmp_path / "tinykit.toml", config.Config, ConfigError)
