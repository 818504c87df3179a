from __future__ import annotations

import struct
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from tinykit.audio import wav
from tinykit.errors import DataError, ToolError


def _wave(path: Path, data: bytes, width: int = 2, channels: int = 1, rate: int = 16000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


def test_16_bit_mono_is_read_bit_for_bit(tmp_path: Path) -> None:
    """A file that needs no change comes back unchanged, extremes included."""
    samples = np.array([0, 1, -1, 32767, -32768, 12345], np.int16)
    wav.write(tmp_path / "a.wav", samples, 16000)
    np.testing.assert_array_equal(wav.read(tmp_path / "a.wav", 16000), samples)


@pytest.mark.parametrize(
    ("width", "data", "expected"),
    [
        (1, bytes([128, 255, 0]), [0, 127 * 256, -32768]),
        (3, b"\x00\x00\x40" + b"\x00\x00\x80" + b"\x80\xff\xff", [16384, -32768, 0]),
        (4, struct.pack("<3i", 1 << 30, -(1 << 31), 0), [16384, -32768, 0]),
    ],
)
def test_other_sample_widths(tmp_path: Path, width: int, data: bytes, expected: list[int]) -> None:
    """8-bit (unsigned), 24-bit and 32-bit samples are scaled to 16 bits, the sign kept."""
    path = _wave(tmp_path / "a.wav", data, width)
    assert wav.read(path, 16000).tolist() == expected


def test_stereo_is_averaged(tmp_path: Path) -> None:
    """Two channels become their mean."""
    path = _wave(tmp_path / "a.wav", struct.pack("<4h", 100, 300, -100, 100), channels=2)
    assert wav.read(path, 16000).tolist() == [200, 0]


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000])
def test_resampling_keeps_length_pitch_and_level(tmp_path: Path, rate_hz: int) -> None:
    """A 440 Hz tone at another rate is a 440 Hz tone of the same level at 16 kHz."""
    pytest.importorskip("scipy")
    time = np.arange(rate_hz) / rate_hz
    source = np.rint(10000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    wav.write(tmp_path / "a.wav", source, rate_hz)
    samples = wav.read(tmp_path / "a.wav", 16000)
    expected = 10000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert len(samples) == 16000
    # Away from the ends, where the filter sees the silence around the clip.
    assert np.abs(samples - expected)[500:-500].max() < 20


def test_downsampling_removes_what_would_alias(tmp_path: Path) -> None:
    """A tone above the new Nyquist frequency disappears instead of folding back."""
    pytest.importorskip("scipy")
    time = np.arange(48000) / 48000
    wav.write(tmp_path / "a.wav", (10000 * np.sin(2 * np.pi * 12000 * time)).astype("i2"), 48000)
    assert np.abs(wav.read(tmp_path / "a.wav", 16000)[500:-500]).max() < 20


def test_flac_and_float_wav_are_read(tmp_path: Path) -> None:
    """Formats beyond integer .wav go through soundfile, with the same result."""
    soundfile = pytest.importorskip("soundfile")
    samples = np.array([0, 1000, -32768, 32767], np.int16)
    soundfile.write(tmp_path / "a.flac", samples, 16000)
    soundfile.write(tmp_path / "b.wav", samples / 32768, 16000, subtype="FLOAT")
    for name in ("a.flac", "b.wav"):
        np.testing.assert_array_equal(wav.read(tmp_path / name, 16000), samples)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
@pytest.mark.parametrize("content", [b"", b"RIFF", b"fLaC", b"not audio at all" * 40])
def test_empty_and_corrupt_files_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    """A file that cannot be decoded is a DataError with its name."""
    if name.endswith("flac"):
        pytest.importorskip("soundfile")
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=name):
        wav.read(path, 16000)


def test_a_file_without_samples_is_an_error(tmp_path: Path) -> None:
    """A valid header over zero samples is said to hold none."""
    with pytest.raises(DataError, match=r"a\.wav: holds no samples"):
        wav.read(_wave(tmp_path / "a.wav", b""), 16000)


def test_a_file_cut_short_is_an_error(tmp_path: Path) -> None:
    """Fewer samples than the header says: both numbers are given."""
    path = _wave(tmp_path / "a.wav", bytes(32000))
    path.write_bytes(path.read_bytes()[:1044])
    with pytest.raises(DataError, match=r"a\.wav.*16,000 samples, it holds 500"):
        wav.read(path, 16000)


def test_a_flac_cut_short_is_an_error(tmp_path: Path) -> None:
    """A flac that ends in the middle is a DataError with its name, not a shorter clip."""
    soundfile = pytest.importorskip("soundfile")
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.flac", rng.integers(-9999, 9999, 16000).astype("i2"), 16000)
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"a\.flac"):
        wav.read(tmp_path / "a.flac", 16000)


def test_samples_that_are_not_numbers_are_an_error(tmp_path: Path) -> None:
    """NaN in a float .wav does not become a random integer."""
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.wav", np.array([0.0, np.nan]), 16000, subtype="FLOAT")
    with pytest.raises(DataError, match="not numbers"):
        wav.read(tmp_path / "a.wav", 16000)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """A path that is not there is a DataError with its name."""
    with pytest.raises(DataError, match=r"gone\.wav"):
        wav.read(tmp_path / "gone.wav", 16000)


@pytest.mark.parametrize(("module", "name"), [("soundfile", "a.flac"), ("scipy.signal", "a.wav")])
def test_a_missing_package_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    """Without the train extra, what needs it says which command installs it."""
    path = _wave(tmp_path / "a.wav", bytes(100), rate=8000)
    path.rename(tmp_path / name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ToolError) as caught:
        wav.read(tmp_path / name, 16000)
    assert "tinykit[train]" in caught.value.hint


def test_fit_pads_with_zeros_and_cuts_the_end() -> None:
    """A clip gets exactly the samples asked for, from the start of the recording."""
    samples = np.array([1, 2, 3], np.int16)
    assert wav.fit(samples, 5).tolist() == [1, 2, 3, 0, 0]
    assert wav.fit(samples, 2).tolist() == [1, 2]
    assert wav.fit(samples, 3).tolist() == [1, 2, 3]
