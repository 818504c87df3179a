"""Clean speech in noise, mixed when it is asked for: what an enhancer is trained and measured on.

Speakers and noise recordings are in one split each. Every mixture is drawn from a generator of its
own, so it is the same whoever asks for it, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.noise import power
from tinykit.audio.seeded import Key, generator
from tinykit.audio.split import Split
from tinykit.audio.wav import FULL_SCALE, to_int16
from tinykit.config import Mixtures

Samples = NDArray[np.int16]

_HEADROOM = 32000.0  # the loudest sample of a mixture: what clips is no longer a sum
_COLOUR = 0.375  # of the random filters' coefficients (Valin, arXiv 1709.08243)
_TWO_NOISES = 0.3  # how often a second recording is added to the first
_VOICES = (4, 11)  # in babble, the last excluded: fewer are speakers to be understood
_GAP_DB = -20.0  # an excerpt so far below its recording holds no speech: another is drawn
_DRAWS = 5


@dataclass(frozen=True)
class Sources:
    """Recordings by split and name, at one sample rate; nothing is in two splits.

    speech : split -> speaker -> int16 (samples,);  noise : split -> recording -> int16 (samples,);
    `synthetic` tells that the speech was computed.
    """

    speech: Mapping[Split, Mapping[str, Samples]]
    noise: Mapping[Split, Mapping[str, Samples]]
    sample_rate_hz: int
    synthetic: bool = False


@dataclass(frozen=True)
class Mixture:
    """int16 (samples,) twice: what the microphone hears, and the speech in it at its level."""

    noisy: Samples
    clean: Samples
    speaker: str
    noise: str
    snr_db: float


def draw(sources: Sources, split: Split, settings: Mixtures, *key: Key) -> Mixture:
    """Return the mixture of `seconds` that belongs to `key`: for training, or to steer it.

    Speech and noise are excerpts from random places; in the training split each also passes a
    random filter, as of another microphone, and runs at a random speed where that is asked for.
    Signal-to-noise ratio and level are drawn from `settings`.
    """
    rng = generator("mixture", settings.seed, split, *key)
    count = round(settings.seconds * sources.sample_rate_hz)
    speaker = _one(sources.speech[split], rng)
    speed = settings.speed if split == "training" else (1.0, 1.0)
    said = sources.speech[split][speaker]
    speech = _at_speed(lambda length: _spoken(said, length, rng), count, speed, rng)
    babble = settings.babble_probability
    if babble and rng.random() < babble:
        name, voices = "babble", sources.speech[split]
        noise = _at_speed(lambda length: _babble(voices, speaker, length, rng), count, speed, rng)
    else:
        name = _one(sources.noise[split], rng)
        heard = sources.noise[split][name]
        noise = _at_speed(lambda length: _excerpt(heard, length, rng), count, speed, rng)
    if rng.random() < _TWO_NOISES:
        other = _excerpt(sources.noise[split][_one(sources.noise[split], rng)], count, rng)
        noise += other * _ratio(noise, other, float(rng.uniform(-5.0, 5.0)))
    if split == "training":
        speech, noise = coloured(speech, rng), coloured(noise, rng)
    snr_db = float(rng.uniform(*settings.snr_db))
    return _mixed(speech, noise, snr_db, float(rng.uniform(*settings.level_db)), speaker, name)


def whole(
    sources: Sources,
    split: Split,
    snr_db: float,
    seed: int,
    level_db: float,
    samples: int | None = None,
) -> list[Mixture]:
    """Return one mixture for each speaker of a split: to measure on.

    All of the speech, or `samples` from its beginning, repeated where it is shorter. The same
    speech meets the same noise at every signal-to-noise ratio.
    """
    found = []
    for speaker, speech in sorted(sources.speech[split].items()):
        speech = speech if samples is None else np.resize(speech, samples)
        rng = generator("whole", seed, split, speaker)
        name = _one(sources.noise[split], rng)
        noise = _excerpt(sources.noise[split][name], len(speech), rng)
        both = speech.astype(np.float64), noise.astype(np.float64)
        found.append(_mixed(*both, snr_db, level_db, speaker, name))
    return found


def coloured(samples: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return samples after a random filter of second order, mild and stable."""
    from scipy.signal import lfilter  # slow to import, and only training needs it

    top, bottom = rng.uniform(-_COLOUR, _COLOUR, (2, 2))
    filtered: NDArray[np.float64] = lfilter([1.0, *top], [1.0, *bottom], samples)
    return filtered


def _at_speed(
    cut: Callable[[int], NDArray[Any]],
    count: int,
    speed: tuple[float, float],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return `count` samples: an excerpt that is played at a random speed.

    Its pitch changes as well (Ko et al., Audio augmentation, Interspeech 2015).
    """
    if speed == (1.0, 1.0):
        return cut(count).astype(np.float64)
    from scipy.signal import resample  # slow to import, and only training needs it

    excerpt = cut(round(count * rng.uniform(*speed)))
    played: NDArray[np.float64] = resample(excerpt.astype(np.float64), count)
    return played


def _mixed(
    speech: NDArray[np.float64],
    noise: NDArray[np.float64],
    snr_db: float,
    level_db: float,
    speaker: str,
    name: str,
) -> Mixture:
    """Add noise at a ratio, and bring the sum to a level or to the loudest that does not clip."""
    noise = noise * _ratio(speech, noise, snr_db)
    mixed = speech + noise
    present = float(np.sqrt(np.mean(np.square(mixed)))) or 1.0
    peak = float(np.abs(mixed).max()) or 1.0
    gain = min(FULL_SCALE * 10.0 ** (level_db / 20.0) / present, _HEADROOM / peak)
    return Mixture(to_int16(mixed * gain), to_int16(speech * gain), speaker, name, snr_db)


def _ratio(signal: NDArray[np.floating], noise: NDArray[np.generic], snr_db: float) -> float:
    """Return the factor for `noise` with which `signal` is `snr_db` above it."""
    loud = np.mean(np.square(signal))
    quiet = np.mean(np.square(noise.astype(np.float64)))
    return float(np.sqrt(loud / quiet) * 10.0 ** (-snr_db / 20.0)) if quiet else 0.0


def _one(recordings: Mapping[str, Samples], rng: np.random.Generator) -> str:
    return sorted(recordings)[int(rng.integers(len(recordings)))]


def _babble(
    speech: Mapping[str, Samples], speaker: str, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return others of the split, who speak at once and about as loud."""
    others = [name for name in sorted(speech) if name != speaker] or [speaker]
    total = np.zeros(count)
    for index in rng.choice(len(others), size=int(rng.integers(*_VOICES))):
        voice = _excerpt(speech[others[index]], count, rng)
        total += voice / np.sqrt(power(voice) or 1.0)
    return total


def _spoken(samples: Samples, count: int, rng: np.random.Generator) -> Samples:
    """Return an excerpt in which somebody speaks."""
    least = power(samples) * 10.0 ** (_GAP_DB / 10.0)
    for _ in range(_DRAWS):
        excerpt = _excerpt(samples, count, rng)
        if power(excerpt) > least:
            break
    return excerpt


def _excerpt(samples: Samples, count: int, rng: np.random.Generator) -> Samples:
    """Return int16 (count,) from a random place; what is shorter is repeated."""
    if len(samples) < count:
        return np.resize(np.roll(samples, int(rng.integers(len(samples)))), count)
    start = int(rng.integers(len(samples) - count + 1))
    return samples[start : start + count]
