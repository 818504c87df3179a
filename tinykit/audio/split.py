"""Which clips train, which steer training, which are only measured on: decided by who speaks.

A speaker is in one split only, and stays there when clips are added or removed, because the split
is a hash of the speaker's name and not a draw from a list.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Literal

from tinykit.audio.seeded import fraction
from tinykit.errors import DataError

Split = Literal["training", "validation", "testing"]

SPLITS: tuple[Split, ...] = ("training", "validation", "testing")

_HASH_RANGE = 2**27 - 1
"""Number of anonymous speakers for which Speech Commands made room."""

VALIDATION_PERCENT = 10.0
TESTING_PERCENT = 10.0


def speaker(file_name: str) -> str:
    """Return who speaks in `<speaker>_nohash_<n>.wav`; any other name is its own speaker."""
    return re.sub(r"_nohash_.*$", "", file_name)


def official(file_name: str) -> Split:
    """Return the split that Speech Commands defines for a file name (without its folder).

    Notes
    -----
    ``p = (sha1(speaker) mod 2**27) * 100 / (2**27 - 1)``; p < 10 is validation, p < 20 testing
    (`which_set` of Speech Commands, https://arxiv.org/abs/1804.03209).
    """
    digest = hashlib.sha1(speaker(file_name).encode(), usedforsecurity=False).hexdigest()
    percent = (int(digest, 16) % (_HASH_RANGE + 1)) * (100.0 / _HASH_RANGE)
    if percent < VALIDATION_PERCENT:
        return "validation"
    return "testing" if percent < VALIDATION_PERCENT + TESTING_PERCENT else "training"


def assign(
    file_name: str,
    test_speakers_percent: float,
    seed: int,
    validation_speakers_percent: float = 0.0,
    given: Split | None = None,
) -> Split:
    """Return the split of a file: the official one, with some training speakers held out.

    Parameters
    ----------
    file_name : str
        Name of the recording, without its folder; or of its speaker.
    test_speakers_percent : float
        Share of the *training* speakers that are moved to testing, for sets that are published
        without their test speakers. Validation and testing keep their official speakers.
    seed : int
        Another seed holds out other speakers.
    validation_speakers_percent : float
        Share of the training speakers that are moved to validation, likewise.
    given : Split, optional
        Stands in place of the official split.
    """
    split = given or official(file_name)
    if split == "training":
        drawn = 100.0 * fraction("test speakers", seed, speaker(file_name))
        if drawn < test_speakers_percent:
            return "testing"
        if drawn < test_speakers_percent + validation_speakers_percent:
            return "validation"
    return split


def check_speakers(heard: Iterable[tuple[str, Split]]) -> None:
    """Raise DataError when a speaker is in two splits; an empty name is nobody.

    Parameters
    ----------
    heard : iterable of (speaker, split)
    """
    home: dict[str, Split] = {}
    for name, split in heard:
        if name and home.setdefault(name, split) != split:
            raise DataError(
                f"speaker `{name}` is in the {home[name]} split and in the {split} split",
                "give all recordings of a speaker one split, or leave `split` empty: "
                "then the speaker's name decides",
            )
