"""The classes of a keyword task, as the field orders and fills them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tinykit.audio.datasets.dataset import Clip, Dataset, Silent
from tinykit.audio.noise import Noise
from tinykit.audio.seeded import fraction
from tinykit.audio.split import SPLITS, Split, check_speakers
from tinykit.config import Data
from tinykit.errors import ConfigError, DataError

SILENCE = "_silence_"
"""Label of clips in which nobody speaks."""

UNKNOWN = "_unknown_"
"""Label of clips in which another word is spoken."""


def label_names(data: Data) -> tuple[str, ...]:
    """Return the classes in order: `_silence_`, `_unknown_`, then the wanted words.

    Raises
    ------
    ConfigError
        When a word is there twice, is no name of a folder, or is wanted and unknown at once.
    """
    for word in (*data.words, *data.unknown_words):
        if not word or word.startswith(("_", ".")) or set(word) & set("/\\:"):
            raise ConfigError(f"[data] words: `{word}` cannot be a word")
    twice = [word for word, count in Counter(data.words).items() if count > 1]
    if twice:
        raise ConfigError(f"[data] words: `{twice[0]}` is there twice")
    both = sorted(set(data.words) & set(data.unknown_words))
    if both:
        raise ConfigError(f"[data]: `{both[0]}` is in words and in unknown_words")
    silence = [SILENCE] if data.silence_percent else []
    unknown = [UNKNOWN] if data.unknown_percent else []
    return (*silence, *unknown, *data.words)


def one_against_all(dataset: Dataset) -> Dataset:
    """Return the data set with two classes: `_unknown_` for all that is no wanted word, and it.

    Raises
    ------
    ConfigError
        When there is not exactly one wanted word, or nothing else.
    """
    wanted = [label for label in dataset.labels if not label.startswith("_")]
    if len(wanted) != 1 or len(dataset.labels) < 2:
        raise ConfigError(
            f"[data]: a wake word is one word or phrase and other speech, not {len(wanted)} words"
            f" and {len(dataset.labels) - len(wanted)} other classes",
            'words = ["hey lumen"], and unknown_percent more than 0',
        )
    own = dataset.labels.index(wanted[0])
    clips = {
        split: [replace(clip, label=int(clip.label == own)) for clip in some]
        for split, some in dataset.clips.items()
    }
    return replace(dataset, labels=(UNKNOWN, wanted[0]), clips=clips)


def share(percent: float, wanted: int) -> int:
    """Return how many clips of a class go with `wanted` clips of words: at least one."""
    return max(1, math.ceil(wanted * percent / 100.0))


def silence_clips(wanted: Sequence[Clip], noise: Noise, data: Data, label: int) -> list[Clip]:
    """Return silence for every split, `[data] silence_percent` of its clips of wanted words."""
    count = Counter(clip.split for clip in wanted)
    clips = []
    for split in SPLITS:
        for number in range(share(data.silence_percent, count[split])):
            key = f"{SILENCE}/{data.seed}/{split}/{number}"
            audio = Silent(noise, split, key)
            clips.append(Clip(label, SILENCE, "", split, key, audio, synthetic=noise.synthetic))
    return clips


def arrange(clips: Sequence[Clip], labels: Sequence[str], hint: str) -> dict[Split, list[Clip]]:
    """Put clips in order, apart by split.

    Within a class the order is a hash of the clip's source; classes are interleaved in proportion
    to their size, so a test of the first rows is a test of every class.

    Raises
    ------
    DataError
        When a class has no clip in a split, and `hint` says what to do about it; or when a
        speaker is in two splits.
    """
    check_speakers((clip.speaker, clip.split) for clip in clips)
    members: dict[tuple[Split, int], list[Clip]] = {}
    for clip in sorted(clips, key=lambda clip: (fraction("order", clip.source), clip.source)):
        members.setdefault((clip.split, clip.label), []).append(clip)
    arranged: dict[Split, list[Clip]] = {}
    for split in SPLITS:
        ranked: list[tuple[float, int, Clip]] = []
        for index, label in enumerate(labels):
            of_class = members.get((split, index), [])
            if not of_class:
                raise DataError(f"class `{label}` has no clip in the {split} split", hint)
            ranked += [((n + 0.5) / len(of_class), index, c) for n, c in enumerate(of_class)]
        ranked.sort(key=lambda entry: entry[:2])
        arranged[split] = [clip for _, _, clip in ranked]
    return arranged
