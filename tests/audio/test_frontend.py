"""The integer front end in numpy: close to float64, in range, defined at every extreme."""

import itertools
import operator

import frontend_float
import numpy as np
import pytest
from frontend_signals import MEL_SPECS, SPECS, signals
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinykit.audio import fixed_point, frontend, frontend_fft
from tinykit.audio.frontend_tables import tables
from tinykit.audio.spec import FeatureSpec
from tinykit.errors import DataError

WORDS = ("yes", "no", "left", "right", "stop", "go")
LOUD_SPEC = FeatureSpec(window_ms=32, hop_ms=16, low_hz=0, high_hz=8000)  # 512 = the FFT size


def speech_like(count, seed=0):
    """Formants of a gliding pitch over noise, 60 dB of dynamic range: int16 (count,)."""
    rng = np.random.default_rng(seed)
    t = np.arange(count) / 16000
    pitch = 2 * np.pi * (120 * t + 20 * np.sin(2 * np.pi * t))
    voice = sum(np.sin(k * pitch) / k**1.5 for k in range(1, 40))
    envelope = 10 ** (-3 * (0.5 + 0.5 * np.cos(2 * np.pi * 2 * t)))
    return np.round(7000 * envelope * voice + 3 * rng.standard_normal(count)).astype(np.int16)


@pytest.mark.parametrize("name", SPECS)
def test_shape_and_type(name):
    """Clips in any leading shape give (..., frames, width) int8, each clip by itself."""
    spec = SPECS[name]
    clips = np.stack([speech_like(spec.clip_samples, seed) for seed in range(4)])
    rows = frontend.features(clips.reshape(2, 2, -1), spec)
    assert rows.shape == (2, 2, spec.frames, spec.width) and rows.dtype == np.int8
    np.testing.assert_array_equal(rows[1, 0], frontend.features(clips[2], spec))


@pytest.mark.parametrize("samples", [479, 480, 799, 800, 1120])
def test_stream_gives_the_windows_wholly_inside(samples):
    """A row for each whole window, none for what is left, none for less than a window."""
    rows = frontend.stream(speech_like(samples), FeatureSpec())
    assert len(rows) == (0 if samples < 480 else 1 + (samples - 480) // 320)


def test_no_clips_give_no_features():
    """An empty batch is legal."""
    assert frontend.features(np.zeros((0, 16000), np.int16), FeatureSpec()).shape == (0, 49, 10)


@pytest.mark.parametrize(
    "wrong", [np.zeros(16000), np.zeros(15999, np.int16), np.zeros((), np.int16)]
)
def test_wrong_samples_are_an_error(wrong):
    """Float samples, a clip of another length and a scalar are a DataError."""
    with pytest.raises(DataError, match="front end"):
        frontend.features(wrong, FeatureSpec())


@pytest.mark.parametrize(("kind", "row"), [("mfcc", [-117] + [0] * 9), ("log_mel", [-128] * 40)])
def test_silence_is_the_floor(kind, row):
    """Digital silence is log(2**-20) in every filter: -13.86 and, orthonormal, -87.7."""
    rows = frontend.features(np.zeros(16000, np.int16), FeatureSpec(kind=kind))
    np.testing.assert_array_equal(rows, [row] * 49)


@pytest.mark.parametrize("name", MEL_SPECS)
def test_log_mel_is_close_to_float(name):
    """The logarithms before rounding to int8 are far nearer to float64 than an int8 step (0.09)."""
    spec = MEL_SPECS[name]
    samples = speech_like(spec.clip_samples)
    error = frontend_float.integer_log_mel(samples, spec) - frontend_float.log_mel(samples, spec)
    assert np.abs(error).mean() < 1e-3
    assert np.abs(error).max() < 0.1


@pytest.mark.parametrize("name", MEL_SPECS)
def test_features_are_the_float_values_rounded(name):
    """Each int8 is the float64 value, rounded to the nearest step, or its neighbour."""
    spec = MEL_SPECS[name]
    samples = speech_like(spec.clip_samples)
    ideal = frontend_float.features(samples, spec) / spec.scale + spec.zero_point
    difference = frontend.features(samples, spec) - np.clip(ideal, -128, 127)
    # 0.01 is a ninth of the default step: the error of the logarithms takes more of it.
    assert np.abs(difference).max() < 0.5 + 0.05 / min(spec.scale, 0.1)


@pytest.mark.recorded
@pytest.mark.parametrize("kind", ["mfcc", "log_mel"])
def test_recorded_speech_is_close_to_float(kind, shared_data):
    """On recorded words the log-mel SNR exceeds 70 dB and 99 % of the int8 values are ideal."""
    soundfile = pytest.importorskip("soundfile")
    spec = FeatureSpec(kind=kind)
    clips = np.zeros((60, spec.clip_samples), np.int16)
    words = (sorted((shared_data / "keywords" / word).iterdir())[:10] for word in WORDS)
    for clip, path in zip(clips, itertools.chain(*words), strict=True):
        samples, _ = soundfile.read(path, dtype="int16")
        clip[: len(samples)] = samples[: len(clip)]
    reference = frontend_float.log_mel(clips, spec)
    error = frontend_float.integer_log_mel(clips, spec) - reference
    assert 10 * np.log10(reference.var() / (error**2).mean()) > 70
    ideal = np.round(frontend_float.features(clips, spec) / spec.scale) + spec.zero_point
    assert (frontend.features(clips, spec) == np.clip(ideal, -128, 127)).mean() > 0.99


@pytest.mark.parametrize("name", MEL_SPECS)
def test_every_intermediate_fits(name):
    """No signal takes the FFT beyond int32 nor the energies beyond 63 bits."""
    spec = MEL_SPECS[name]
    frames = np.stack([s[: spec.window_samples] for s in signals(spec.clip_samples).values()])
    assert_in_range(frames, spec)


@given(
    hnp.arrays(np.int16, (4, 512), elements=st.sampled_from([-32768, -32767, -1, 0, 32767])),
)
def test_extreme_frames_fit(frames):
    """Any mixture of extreme samples stays in range, where the window fills the FFT."""
    assert_in_range(frames, LOUD_SPEC)


@given(st.integers(1, 255), st.floats(0, 2 * np.pi))
def test_full_scale_squares_at_a_bin_fit(k, phase):
    """Square waves whose fundamental is a bin, the loudest there is, stay in range."""
    angle = 2 * np.pi * k * np.arange(512) / 512 + phase
    assert_in_range(np.where(np.sin(angle) >= 0, 32767, -32768).astype(np.int16)[None], LOUD_SPEC)


def assert_in_range(frames, spec):
    """Check the bounds of `docs/front-end.md` on every stage's results."""
    constants = tables(spec)
    values = frontend_fft.windowed(frames, constants)
    assert max(np.abs(v).max() for v in values) <= 2 ** (30 - constants.shift)
    bound = 2**30 * spec.window_samples / spec.fft_size * (1 + 1e-3) + 100
    spectrum = frontend_fft.transform(values, constants)
    folded = [np.abs(v + s * v[:, ::-1]).max() for v in spectrum for s in (-1, 1)]
    assert max(np.abs(v).max() for v in spectrum) <= bound
    assert max(folded) < 2**31
    assert max(np.abs(v).max() for v in frontend_fft.split(spectrum, constants)) <= bound
    power = frontend_fft.power_spectrum(frames, constants)
    assert power.astype(np.float64).sum(axis=1).max() < 2.0**60
    energies = frontend.mel_energies(power, constants)
    # Exact: a sum that wrapped would not match arithmetic in Python's integers.
    assert energies.tolist() == exact_energies(power, constants)
    logarithms = frontend.log_energies(energies, constants)
    assert logarithms.min() >= 0 and logarithms.max() < 41 << 16
    if spec.kind == "mfcc":
        assert np.abs(frontend.cepstrum(logarithms, constants)).max() < 2**31


def exact_energies(power, constants):
    """Mel energies in Python's integers: what rises is rounded down, the rest falls."""
    ends = np.cumsum(constants.band_bins).tolist()
    spans = [slice(end - n, end) for n, end in zip(constants.band_bins, ends, strict=True)]
    weights = constants.weights.tolist()
    result = []
    for row in power[:, constants.first_bin - 1 :].tolist():
        sums = [sum(map(operator.mul, weights[span], row[span])) >> 15 for span in spans]
        rest = [sum(row[span]) - rising for span, rising in zip(spans, sums, strict=True)]
        result.append(list(map(operator.add, sums[:-1], rest[1:])))
    return result


@pytest.mark.parametrize("name", MEL_SPECS)
def test_transform_is_a_dft(name):
    """The spectrum of noise is that of numpy's FFT, within 90 dB."""
    spec = MEL_SPECS[name]
    constants = tables(spec)
    frames = np.random.default_rng(1).integers(-32768, 32768, (3, spec.window_samples))
    window = np.concatenate([constants.window, constants.window[::-1]]) / 32768
    exact = np.fft.rfft(frames / 32768 * window, spec.fft_size)[:, 1:-1] * 2**31 / spec.fft_size
    values = frontend_fft.windowed(frames.astype(np.int16), constants)
    re, im = frontend_fft.split(frontend_fft.transform(values, constants), constants)
    noise = np.abs(re + 1j * im - exact) ** 2
    assert 10 * np.log10((np.abs(exact) ** 2).mean() / noise.mean()) > 90


@given(st.integers(1, 2**63 - 1))
def test_log2_is_close(value):
    """The interpolated logarithm is within 2e-4 of the true one, anywhere."""
    got = fixed_point.log2_q16(np.array([value], np.uint64))[0] / 65536
    assert -2e-4 < got - np.log2(float(value)) < 3e-5


@pytest.mark.parametrize("bits", range(63))
def test_log2_of_powers_of_two_is_exact(bits):
    """2**n gives n; 2**n - 1, which float64 cannot hold, less."""
    power = fixed_point.log2_q16(np.array([1 << bits], np.uint64))[0]
    assert power == bits << 16
    if bits:
        assert fixed_point.log2_q16(np.array([(1 << bits) - 1], np.uint64))[0] <= power


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-32768, 32768))
def test_mul_q15_rounds_down(x, factor):
    """Half the product, rounded towards minus infinity."""
    assert fixed_point.mul_q15(np.int64(x), np.int64(factor)) == x * factor // 65536
