"""From an utterance to a clip: resampled, placed at random, at a random level, in some noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.augment import snr_factor
from tinykit.audio.datasets.takes import Take, draw_utterance
from tinykit.audio.noise import COLOURS, Noise, Samples, at_level, coloured
from tinykit.audio.seeded import generator
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import Split
from tinykit.audio.synthesis import MOST_WORDS_PER_MINUTE, Speaker, Utterance, trim
from tinykit.audio.wav import FULL_SCALE, resample, to_int16
from tinykit.errors import ConfigError

PLAYED_AT_HZ = (20000, 21000, 22000, 23000, 24000)
"""Rates as which speech of 22,050 Hz is taken: formants, pitch and tempo move by -9 to +9 percent,
as they do with the length of the vocal tract."""

LEVEL_DB = (-36.0, -16.0)
"""RMS of the word, in dB of full scale."""

SNR_DB = (12.0, 40.0)
"""Of the noise that every clip is recorded in; augmentation adds its own."""

NOISE_SECONDS = 20.0
"""Of each kind of noise in each split."""

_TALKERS = 6
_BABBLE_WORDS = 30


def render(take: Take, speaker: Speaker, noise: Noise, spec: FeatureSpec) -> Samples:
    """Speak a take and return its clip, int16 (clip_samples,).

    Raises
    ------
    ConfigError
        When the word does not fit a clip, however fast it is spoken.
    """
    rng = take.generator("render")
    played_at_hz = int(rng.choice(PLAYED_AT_HZ))
    word = speak_within(spec, speaker, take.utterance(), played_at_hz)
    return place(word, noise, take.split, spec, rng)


def place(
    word: Samples,
    noise: Noise,
    split: Split,
    spec: FeatureSpec,
    rng: np.random.Generator,
    snr_db: tuple[float, float] = SNR_DB,
) -> Samples:
    """Put a word somewhere into a clip, at some level, in some noise: int16 (clip_samples,)."""
    clip = np.zeros(spec.clip_samples, np.int16)
    start = int(rng.integers(len(clip) - len(word) + 1))
    clip[start : start + len(word)] = at_level(word, float(rng.uniform(*LEVEL_DB)))
    background = noise.excerpt(split, len(clip), rng)
    factor = snr_factor(clip, background, float(rng.uniform(*snr_db)))
    return to_int16(clip + background * factor)


def speak_within(
    spec: FeatureSpec, speaker: Speaker, utterance: Utterance, played_at_hz: int
) -> Samples:
    """Speak, faster where that is needed for the clip's length: int16 (samples,).

    Raises
    ------
    ConfigError
        When the text does not fit a clip, however fast it is spoken.
    """
    while True:
        speech = at_rate(trim(speaker.say(utterance)), played_at_hz, spec.sample_rate_hz)
        if len(speech) <= spec.clip_samples:
            return speech
        if utterance.words_per_minute == MOST_WORDS_PER_MINUTE:
            raise too_long(f"`{utterance.text}`", len(speech), spec)
        faster = int(utterance.words_per_minute * 1.1 * len(speech) / spec.clip_samples) + 1
        utterance = replace(utterance, words_per_minute=min(faster, MOST_WORDS_PER_MINUTE))


def too_long(what: str, samples: int, spec: FeatureSpec) -> ConfigError:
    """Return the error that says how long `what` takes, and how long a clip is."""
    return ConfigError(
        f"{what} takes {samples * 1000 // spec.sample_rate_hz:,} ms, "
        f"a clip has {spec.clip_ms:,} ms",
        "make [features] clip_ms (or --clip-ms) larger, or use a shorter word",
    )


def at_rate(speech: NDArray[np.int16], from_hz: int, to_hz: int) -> Samples:
    """Change the sample rate of int16 (samples,)."""
    return to_int16(resample(speech / FULL_SCALE, from_hz, to_hz) * FULL_SCALE)


def split_noise(
    split: Split,
    voices: Sequence[str],
    words: Sequence[str],
    speaker: Speaker,
    spec: FeatureSpec,
    seed: int,
) -> dict[str, Samples]:
    """Return the noise of one split by name: every colour, and babble of its own voices."""
    count = round(NOISE_SECONDS * spec.sample_rate_hz)
    parts = {
        kind: coloured(kind, count, spec.sample_rate_hz, generator("noise", seed, split, kind))
        for kind in COLOURS
    }
    parts["babble"] = _babble(split, voices, words, speaker, count, spec.sample_rate_hz, seed)
    return parts


def _babble(
    split: Split,
    voices: Sequence[str],
    words: Sequence[str],
    speaker: Speaker,
    count: int,
    rate_hz: int,
    seed: int,
) -> Samples:
    """Let several voices speak at once, words that are not wanted: int16 (count,)."""
    rng = generator("babble", seed, split)
    mixed = np.zeros(count)
    for talker in range(_TALKERS):
        text = " ".join(rng.choice(list(words), _BABBLE_WORDS))
        said = speaker.say(draw_utterance(text, voices[talker % len(voices)], rng))
        speech = at_rate(said, speaker.rate_hz, rate_hz)
        turned = np.roll(np.resize(speech, count), int(rng.integers(count)))
        mixed += at_level(turned, -30.0)
    return to_int16(mixed)
