"""Augmentation of the keyword experiments: other speakers, microphones, rooms and noises.

Stronger than `[augment]`'s defaults. Each version of a clip draws from a generator of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import wav

Samples = NDArray[np.int16]
Random = np.random.Generator

RATE_HZ = 16000
SPEED = (0.85, 1.18)  # of tempo and pitch together
SPEED_PROBABILITY = 0.7
SHIFT = 1600  # samples
COLOUR_PROBABILITY = 0.6
ROOM_PROBABILITY = 0.4
NOISE_PROBABILITY = 0.8
SNR_DB = (-3.0, 25.0)
GAIN_DB = (-15.0, 12.0)
_FFT = 32768


@dataclass
class Noises:
    """Training noise by folder; `own` are the names of the data set's own recordings."""

    own: list[str]
    groups: Mapping[str, list[Samples]] = field(repr=False)

    def excerpt(self, count: int, random: Random) -> NDArray[np.float32]:
        """Return (count,) from a random folder; often the set's own, of which there is most."""
        names = sorted(self.groups)
        if random.random() < 0.6:
            group = names[int(random.integers(len(names)))]
        else:
            group = self.own[int(random.integers(len(self.own)))]
        parts = self.groups[group]
        part = parts[int(random.integers(len(parts)))]
        if len(part) < count:
            part = np.resize(part, count)
        start = int(random.integers(len(part) - count + 1))
        return part[start : start + count].astype(np.float32)


def noises(own: Mapping[str, Samples], shared: Path) -> Noises:
    """Return the training part of the set's own noise and the folders `noise` and `msnsd`."""
    groups: dict[str, list[Samples]] = defaultdict(list)
    for name, samples in own.items():
        groups[f"own/{name}"].append(samples)
    for folder in ("noise", "msnsd"):
        for file in sorted((shared / folder).rglob("*.flac")):
            samples = wav.read(file, RATE_HZ)
            if len(samples) > RATE_HZ // 2:
                name = "/".join(file.relative_to(shared).as_posix().split("/")[:2])
                groups[name].append(samples)
    return Noises(sorted(name for name in groups if name.startswith("own/")), groups)


def version(samples: Samples, noise: Noises, random: Random) -> Samples:
    """Return one version of a clip in which a word is said."""
    count = len(samples)
    x = samples.astype(np.float32)
    speed = float(random.uniform(*SPEED)) if random.random() < SPEED_PROBABILITY else 1.0
    if speed != 1.0:
        x = _faster(x, speed)
    x = _moved(x, int(random.integers(-SHIFT, SHIFT + 1)))
    spectrum = np.fft.rfft(x, _FFT)
    if random.random() < COLOUR_PROBABILITY:
        spectrum *= colour(random, _FFT)
    if random.random() < ROOM_PROBABILITY:
        spectrum *= np.fft.rfft(room(random), _FFT)
    x = np.fft.irfft(spectrum)[:count].astype(np.float32)
    if random.random() < NOISE_PROBABILITY:
        background = noise.excerpt(count, random)
        signal_power, noise_power = _power(x), _power(background)
        if signal_power > 0 and noise_power > 0:
            snr_db = random.uniform(*SNR_DB)
            x = x + background * np.sqrt(signal_power / noise_power) * 10 ** (-snr_db / 20)
    gain = 10 ** (random.uniform(*GAIN_DB) / 20)
    if random.random() < 0.9:  # the others clip, as a microphone too near does
        gain = min(gain, 32767 / (np.abs(x).max() + 1e-9))
    return _int16(x * gain)


def silence(count: int, noise: Noises, random: Random) -> Samples:
    """Return (count,) in which nobody speaks: noise of one or two kinds at any level, or zeros."""
    if random.random() < 0.08:
        return np.zeros(count, np.int16)
    x: NDArray[Any] = noise.excerpt(count, random)
    if random.random() < 0.3:
        x = x + noise.excerpt(count, random) * random.uniform(0, 1)
    if random.random() < 0.5:
        x = np.fft.irfft(np.fft.rfft(x) * colour(random, count))
    if random.random() < 0.7:
        level = 10 ** (random.uniform(-80, -20) / 20) * 32768
        x = x * level / (np.sqrt(_power(x)) + 1e-9)
    return _int16(x)


def room(random: Random) -> NDArray[np.float64]:
    """Return an impulse response: the direct sound and an exponentially decaying tail of noise."""
    t60_s = random.uniform(0.1, 0.7)
    count = int(min(t60_s, 0.5) * RATE_HZ)
    tail = random.standard_normal(count) * 10 ** (-3 * np.arange(count) / RATE_HZ / t60_s)
    tail[: int(random.uniform(0.002, 0.01) * RATE_HZ)] = 0
    tail *= 10 ** (-random.uniform(0, 15) / 20) / np.sqrt((tail**2).sum() + 1e-9)
    tail[0] = 1
    return tail


def colour(random: Random, count: int) -> NDArray[np.float64]:
    """Return the gains of a smooth random frequency response, within 8 dB, at `count` samples."""
    frequency = np.fft.rfftfreq(count, 1 / RATE_HZ)
    points = np.log2([50, 125, 250, 500, 1000, 2000, 4000, 8000])
    gain_db = np.cumsum(random.normal(0, 2.0, len(points)))
    gain_db -= gain_db.mean()
    at = np.log2(np.maximum(frequency, 30))
    return 10 ** (np.interp(at, points, np.clip(gain_db, -8, 8)) / 20)


def in_a_room(samples: Samples, noise: Mapping[str, Samples], random: Random) -> Samples:
    """Return a test clip in a room with noise at 3 to 15 dB: what the test "rooms" hears."""
    count = len(samples)
    spectrum = np.fft.rfft(samples.astype(np.float32), _FFT) * np.fft.rfft(room(random), _FFT)
    x = np.fft.irfft(spectrum)[:count]
    part = noise[sorted(noise)[int(random.integers(len(noise)))]]
    start = int(random.integers(len(part) - count))
    background = part[start : start + count].astype(np.float32)
    signal_power, noise_power = _power(x), _power(background)
    if signal_power > 0 and noise_power > 0:
        x = x + background * np.sqrt(signal_power / noise_power) * 10 ** (
            -random.uniform(3, 15) / 20
        )
    return _int16(x * min(10 ** (random.uniform(-15, 0) / 20), 32767 / np.abs(x).max()))


def _faster(x: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Return a clip of the same length, played at `speed`, about its middle."""
    count = len(x)
    length = int(count / speed)
    played = np.interp(np.arange(length) * speed, np.arange(count), x).astype(np.float32)
    start = abs(length - count) // 2
    if length >= count:
        return played[start : start + count]
    result = np.zeros(count, np.float32)
    result[start : start + length] = played
    return result


def _moved(x: NDArray[np.float32], offset: int) -> NDArray[np.float32]:
    x = np.roll(x, offset)
    if offset > 0:
        x[:offset] = 0
    elif offset < 0:
        x[offset:] = 0
    return x


def _power(x: NDArray[Any]) -> float:
    return float(np.mean(x * x))


def _int16(x: NDArray[Any]) -> Samples:
    return np.clip(np.rint(x), -32768, 32767).astype(np.int16)
