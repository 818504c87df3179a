"""The `micro` front end gives TensorFlow Lite Micro's bytes, on any audio."""

import itertools
import math

import micro_golden
import numpy as np
import pytest
from frontend_signals import signals
from hypothesis import given
from hypothesis import strategies as st

from tinykit.audio import frontend, micro, micro_tables
from tinykit.audio.micro_spec import Micro
from tinykit.audio.spec import FeatureSpec
from tinykit.errors import ConfigError

SPEC = FeatureSpec(kind="micro")
GOLDEN = np.load(micro_golden.GOLDEN)


def levels(samples, spec=SPEC):
    """The 16-bit output before it becomes int8: int16 (n,) -> (rows, mel_bins)."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, spec.window_samples)
    signal = micro.amplitudes(windows[:: spec.hop_samples], spec)[None]
    noise = micro.follow(signal, np.zeros((1, spec.mel_bins), np.int64), spec)
    return micro.levels(signal, noise, spec)[0]


def int8(levels):
    """ESPHome's conversion of the 16-bit output to the model's input."""
    return np.clip((levels.astype(np.int64) * 256 + 333) // 666 - 128, -128, 127)


@pytest.mark.parametrize("name", [key[:-2] for key in GOLDEN.files if key.endswith("_x")])
def test_equals_the_original(name):
    """Kept outputs of the original: every 16-bit value, and every int8 made of it."""
    samples, expected = GOLDEN[f"{name}_x"], GOLDEN[f"{name}_y"]
    np.testing.assert_array_equal(levels(samples), expected)
    np.testing.assert_array_equal(frontend.stream(samples, SPEC), int8(expected))


def test_equals_the_original_for_minutes():
    """Two minutes of noise, chirps and clipping, one after the other, against the package."""
    pytest.importorskip("pymicro_features")
    samples = np.concatenate([*signals(64000, 1).values(), *signals(64000, 2).values()])
    np.testing.assert_array_equal(
        frontend.stream(samples, SPEC), int8(micro_golden.reference(samples))
    )


@pytest.mark.recorded
def test_equals_the_original_on_recorded_speech(shared_data):
    """A minute of recorded words and noise, against the package."""
    pytest.importorskip("pymicro_features")
    soundfile = pytest.importorskip("soundfile")
    words = (sorted((shared_data / "keywords" / word).iterdir())[:20] for word in ("yes", "stop"))
    clips = [soundfile.read(path, dtype="int16")[0] for path in itertools.chain(*words)]
    noise = next((shared_data / "keywords" / "_background_noise_").glob("*.[fw][la][av]*"))
    samples = np.concatenate([*clips, soundfile.read(noise, dtype="int16")[0][:320000]])
    np.testing.assert_array_equal(
        frontend.stream(samples, SPEC), int8(micro_golden.reference(samples))
    )


def test_every_level_becomes_the_int8_that_esphome_gives():
    """All 65,536 values."""
    every = np.arange(65536)
    np.testing.assert_array_equal(micro.quantize(every, SPEC), int8(every))


def test_pieces_equal_a_whole(monkeypatch):
    """Long audio is computed in pieces, and several clips together: both do not show."""
    samples = signals(8000)["chirp"]
    whole = frontend.stream(samples, SPEC)
    monkeypatch.setattr(micro, "_PIECE", 7)
    np.testing.assert_array_equal(frontend.stream(samples, SPEC), whole)
    pair = frontend.stream(np.stack([samples[::-1], samples]), SPEC)
    np.testing.assert_array_equal(pair[1], whole)


def test_noise_that_stays_is_removed():
    """A steady tone fades as the noise estimate rises: from far above the floor to near it."""
    tone = (8000 * np.sin(2 * np.pi * 1000 / 16000 * np.arange(160000))).astype(np.int16)
    rows = frontend.stream(tone, SPEC).astype(int)
    loudest = rows[0].argmax()
    assert rows[0, loudest] > 50
    assert rows[-1, loudest] < rows[0, loudest] - 80


@given(st.integers(0, 2**53 - 1))
def test_root_is_rounded(value):
    """The nearest integer to the square root; only 65536 is left out below 2**32."""
    low = math.isqrt(value)
    nearest = low + (value - low * low > low)
    expected = 65535 if value < 2**32 and nearest == 65536 else nearest
    assert micro._root(np.array([value]))[0] == expected


@pytest.mark.parametrize("window_ms", [4, 8, 16, 32, 64, 128])
def test_bands_hold_every_bin_once(window_ms):
    """Without gaps from the first bin on; no bin above Nyquist."""
    spec = FeatureSpec(kind="micro", window_ms=window_ms, mel_bins=4, hop_ms=4)
    bands = micro_tables.tables(spec).bands
    bins = sum(len(band) for band in bands.weights)
    assert bands.first >= 1
    assert bands.first + bins <= spec.fft_size // 2
    assert all(0 <= weight <= 4096 for band in bands.weights for weight in band)


@pytest.mark.parametrize(
    "wrong",
    [
        {"smoothing_bits": 11},
        {"even_smoothing": 1.5},
        {"odd_smoothing": float("nan")},
        {"min_signal": -0.1},
        {"pcan_strength": 3.0},
        {"pcan_offset": 0.0},
        {"gain_bits": 30},
        {"log_shift": 0},
    ],
)
def test_what_cannot_be_computed_is_rejected(wrong):
    """A wrong parameter is a ConfigError that names it."""
    name = next(iter(wrong))
    with pytest.raises(ConfigError, match=f"features.micro: {name} = "):
        FeatureSpec(kind="micro", micro=Micro(**wrong))


def test_gain_too_steep_for_its_table_is_rejected():
    """What 16 bits cannot hold is refused, not cut off."""
    with pytest.raises(ConfigError, match="gain changes"):
        FeatureSpec(
            kind="micro",
            micro=Micro(pcan_offset=1.0, pcan_strength=2.0, gain_bits=18, smoothing_bits=4),
        )


def test_kind_alone_is_the_standard_front_end():
    """`kind = "micro"` needs nothing else: 98 rows of 40 a second, 125 to 7500 Hz."""
    assert (SPEC.frames, SPEC.width, SPEC.hop_ms) == (98, 40, 10)
    assert (SPEC.low_hz, SPEC.high_hz) == (125, 7500)
