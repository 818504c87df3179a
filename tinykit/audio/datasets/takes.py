"""Who says which word, and how: the plan of a synthetic data set, before anything is spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykit.audio.datasets.classes import UNKNOWN, share
from tinykit.audio.seeded import fraction, generator
from tinykit.audio.split import SPLITS, Split
from tinykit.audio.synthesis import Utterance
from tinykit.audio.voices import ACCENTS, VOICES
from tinykit.config import Data
from tinykit.errors import ConfigError

UNKNOWN_WORDS = (
    "bed", "bird", "cat", "dog", "eight", "five", "follow", "forward", "backward", "four", "happy",
    "house", "learn", "marvin", "nine", "off", "on", "one", "seven", "sheila", "six", "three",
    "tree", "two", "visual", "wow", "zero", "water", "music", "table", "window", "garden", "paper",
    "yellow", "under", "over", "again", "morning", "kitchen", "camera", "open", "close", "start",
    "light", "please", "maybe", "nothing", "people",
)  # fmt: skip
"""Words to reject: those of Speech Commands and other common ones, less the wanted words."""

SHARES: dict[Split, float] = {"training": 0.70, "validation": 0.15, "testing": 0.15}
"""Part of the voices, and of the clips of each word, that each split gets."""


@dataclass(frozen=True)
class Take:
    """One utterance and the clip it becomes.

    Attributes
    ----------
    label : str
        Its class: the word, or `_unknown_`.
    word : str
    voice : str
        Of `tinykit.audio.voices.VOICES`: the speaker.
    split : Split
    number : int
        Counts the takes of a word in a split.
    seed : int
        Of the data set.
    """

    label: str
    word: str
    voice: str
    split: Split
    number: int
    seed: int

    @property
    def source(self) -> str:
        """A name for the take, unique in its data set."""
        return f"synthetic/{self.split}/{self.word}/{self.voice}/{self.number}"

    def generator(self, purpose: str) -> np.random.Generator:
        """Return the generator of this take's draws for `purpose`."""
        return generator(purpose, self.seed, self.source)

    def utterance(self) -> Utterance:
        """Draw accent, tempo and pitch."""
        return draw_utterance(self.word, self.voice, self.generator("utterance"))


def draw_utterance(
    text: str, voice: str, rng: np.random.Generator, accents: Sequence[str] = ACCENTS
) -> Utterance:
    """Return `text` as `voice` might say it this time, in one of `accents`."""
    return Utterance(
        text=text.replace("_", " "),
        voice=f"{accents[int(rng.integers(len(accents)))]}+{voice}",
        words_per_minute=int(rng.integers(100, 211)),
        pitch=int(rng.integers(20, 86)),
        pitch_range=int(rng.integers(20, 91)),
        seed=int(rng.integers(2**31)),
    )


def split_voices(count: int, seed: int) -> dict[Split, list[str]]:
    """Choose `count` voices and give each to one split.

    Raises
    ------
    ConfigError
        When there are not so many.
    """
    if count > len(VOICES):
        raise ConfigError(f"[data] voices = {count}: espeak-ng has {len(VOICES)} distinct ones")
    return share_voices(
        sorted(VOICES, key=lambda name: fraction("voice", seed, name))[:count], seed
    )


def share_voices(voices: Sequence[str], seed: int) -> dict[Split, list[str]]:
    """Give each of three or more voices to one split; each split gets one at least."""
    chosen = sorted(set(voices), key=lambda name: fraction("voice", seed, name))
    testing = max(1, round(len(chosen) * SHARES["testing"]))
    validation = max(1, round(len(chosen) * SHARES["validation"]))
    return {
        "testing": chosen[:testing],
        "validation": chosen[testing : testing + validation],
        "training": chosen[testing + validation :],
    }


def unknown_words(data: Data) -> list[str]:
    """Return the words that are spoken for the unknown class."""
    return data.unknown_words or [word for word in UNKNOWN_WORDS if word not in data.words]


def plan(data: Data) -> list[Take]:
    """Return the takes of a synthetic data set, by split."""
    voices = split_voices(data.voices, data.seed)
    takes: list[Take] = []
    for split in SPLITS:
        each = max(1, round(data.clips_per_word * SHARES[split]))
        for word in data.words:
            takes += _takes(word, [word] * each, voices[split], split, data)
        if data.unknown_percent:
            others = unknown_words(data)
            others.sort(key=lambda word: fraction("unknown", data.seed, split, word))
            count = share(data.unknown_percent, each * len(data.words))
            words = [others[n % len(others)] for n in range(count)]
            takes += _takes(UNKNOWN, words, voices[split], split, data)
    return takes


def _takes(
    label: str, words: Sequence[str], voices: Sequence[str], split: Split, data: Data
) -> list[Take]:
    """Let the voices of a split take turns with `words`."""
    turns = sorted(voices, key=lambda voice: fraction("turn", data.seed, split, label, voice))
    return [
        Take(label, word, turns[number % len(turns)], split, number, data.seed)
        for number, word in enumerate(words)
    ]
