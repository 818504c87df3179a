"""Recordings in, int16 samples out: one channel, one sample rate, or an error that names the file.

`.wav` with integer samples is read by the standard library; everything else (flac, ogg, float wav)
by `soundfile`, which the train extra brings.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit import paths
from tinykit.errors import DataError, ToolError

SUFFIXES = (".wav", ".flac")
"""File name endings that a data set folder is searched for."""

FULL_SCALE = 32768.0
"""int16 value that stands for 1.0."""


@dataclass(frozen=True)
class Info:
    """What the header of a recording says."""

    rate_hz: int
    channels: int
    frames: int
    plain: bool
    """Integer .wav, which the standard library decodes."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate_hz


def info(path: Path) -> Info:
    """Read the header of a recording.

    Raises
    ------
    DataError
        When the file is missing, empty, corrupt or holds no samples.
    """
    found = _wave_info(path) or _soundfile_info(path)
    if found.frames <= 0 or found.channels <= 0 or found.rate_hz <= 0:
        raise DataError(f"{path}: holds no samples", "remove the file from the data set")
    return found


def read(path: Path, rate_hz: int) -> NDArray[np.int16]:
    """Read a recording as int16 (samples,) at `rate_hz`.

    Channels are averaged, another rate is resampled. A 16-bit mono file at `rate_hz` is returned
    bit for bit.

    Raises
    ------
    DataError
        When the file cannot be decoded, is cut short or holds no samples.
    ToolError
        When a package that the format or the resampling needs is missing.
    """
    header = info(path)
    return _decode(path, header, rate_hz, 0, header.frames)


def read_part(path: Path, rate_hz: int, start_s: float, count: int) -> NDArray[np.int16]:
    """Read int16 (count,) at `rate_hz` from `start_s`; zeros stand for what is outside the file.

    Only that part is decoded: a clip out of an hour costs what a clip costs.

    Raises
    ------
    DataError, ToolError
        As `read` does.
    """
    header = info(path)
    first = round(start_s * header.rate_hz)
    frames = round(count * header.rate_hz / rate_hz)
    begin, end = max(0, first), min(header.frames, first + frames)
    if begin >= end:
        return np.zeros(count, np.int16)
    part = _decode(path, header, rate_hz, begin, end - begin)
    missing = round((begin - first) * rate_hz / header.rate_hz)
    return fit(np.pad(part, (missing, 0)), count)


def _decode(path: Path, header: Info, rate_hz: int, first: int, frames: int) -> NDArray[np.int16]:
    """Decode `frames` frames of a recording from frame `first` on."""
    decode = _wave_samples if header.plain else _soundfile_samples
    samples = decode(path, first, frames)
    if len(samples) < frames:
        raise DataError(
            f"{path}: cut short: its header says {header.frames:,} samples, "
            f"it holds {first + len(samples):,}",
            "fetch the file again, or remove it from the data set",
        )
    if not np.isfinite(samples).all():
        raise DataError(f"{path}: holds samples that are not numbers", "convert it to 16-bit PCM")
    mono = samples.mean(axis=1)
    if header.rate_hz != rate_hz:
        mono = resample(mono, header.rate_hz, rate_hz)
    return to_int16(mono * FULL_SCALE)


def resample(samples: NDArray[np.float64], from_hz: int, to_hz: int) -> NDArray[np.float64]:
    """Change the sample rate of float (samples,) by a windowed-sinc polyphase filter."""
    try:
        from scipy.signal import resample_poly  # takes 0.3 s to import, and few files need it
    except ImportError:
        raise ToolError(
            f"resampling from {from_hz} Hz to {to_hz} Hz needs SciPy",
            "pip install 'tinykit[train]', or convert the recordings",
        ) from None
    divisor = int(np.gcd(from_hz, to_hz))
    resampled: NDArray[np.float64] = resample_poly(samples, to_hz // divisor, from_hz // divisor)
    return resampled


def to_int16(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round to nearest and saturate."""
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def fit(samples: NDArray[np.int16], count: int) -> NDArray[np.int16]:
    """Return exactly `count` samples: zeros appended, or the end cut off."""
    if len(samples) >= count:
        return samples[:count]
    return np.pad(samples, (0, count - len(samples)))


def write(path: Path, samples: NDArray[np.int16], rate_hz: int) -> None:
    """Write int16 (samples,) or (samples, channels) as a .wav, atomically."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with paths.atomic_path(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())


def _wave_info(path: Path) -> Info | None:
    """Read the header of an integer .wav; None for a format that needs `soundfile`."""
    if path.suffix.lower() != ".wav":
        return None
    try:
        with wave.open(str(path), "rb") as file:
            return Info(file.getframerate(), file.getnchannels(), file.getnframes(), plain=True)
    except EOFError:
        raise DataError(
            f"{path}: empty or cut short: no .wav header", "remove the file from the data set"
        ) from None
    except wave.Error as reason:
        if "unknown format" in str(reason):  # float or compressed samples
            return None
        raise DataError(f"{path}: not a .wav file: {reason}") from None
    except OSError as reason:
        raise DataError(f"{path}: {reason.strerror or reason}") from None


def _wave_samples(path: Path, first: int, frames: int) -> NDArray[np.float64]:
    """Decode a part of an integer .wav to float (frames, channels) in [-1, 1)."""
    with wave.open(str(path), "rb") as file:
        width, channels = file.getsampwidth(), file.getnchannels()
        file.setpos(first)
        data = file.readframes(frames)
    data = data[: len(data) // (width * channels) * (width * channels)]
    if width == 1:  # the one width that is unsigned
        values = np.frombuffer(data, np.uint8).astype(np.float64) - 128.0
    else:
        octets = np.frombuffer(data, np.uint8).reshape(-1, width)
        # Little-endian samples of 2 to 4 bytes, moved to the top of 32 bits: the sign comes along.
        wide = np.zeros((len(octets), 4), np.uint8)
        wide[:, 4 - width :] = octets
        values = wide.view("<i4")[:, 0] / 2.0 ** (32 - 8 * width)
    return values.reshape(-1, channels) / 2.0 ** (8 * width - 1)


def _soundfile(path: Path) -> Any:
    """Import `soundfile`, or say what is missing for this file."""
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: the package is there, its libsndfile is not
        raise ToolError(
            f"{path}: reading this format needs the soundfile package",
            "pip install 'tinykit[train]', or convert the recordings to 16-bit .wav",
        ) from None
    return soundfile


def _soundfile_info(path: Path) -> Info:
    soundfile = _soundfile(path)
    try:
        found = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError) as reason:
        raise _undecodable(path, reason) from None
    return Info(found.samplerate, found.channels, found.frames, plain=False)


def _soundfile_samples(path: Path, first: int, frames: int) -> NDArray[np.float64]:
    """Decode a part with libsndfile to float (frames, channels) in [-1, 1)."""
    soundfile = _soundfile(path)
    try:
        samples: NDArray[np.float64] = soundfile.read(str(path), frames, first, always_2d=True)[0]
    except (soundfile.SoundFileError, OSError) as reason:
        raise _undecodable(path, reason) from None
    return samples


def _undecodable(path: Path, reason: Exception) -> DataError:
    if not path.exists():
        return DataError(f"{path}: no such file")
    if path.stat().st_size == 0:
        return DataError(f"{path}: empty file", "remove the file from the data set")
    return DataError(
        f"{path}: cannot be decoded: {getattr(reason, 'error_string', reason)}",
        "remove the file from the data set, or fetch it again",
    )
