"""A few recordings of people, put beside synthetic speech so that they count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from tinykit.audio.datasets import folders, recordings
from tinykit.audio.datasets.classes import arrange
from tinykit.audio.datasets.dataset import Clip, Dataset
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS
from tinykit.config import Data
from tinykit.progress import Progress, silent

SHARE = 0.25
"""Of the training clips of the word: what recordings make up, each as often as that takes."""

MOST = 40
"""Times that one recording is in training; each time it is augmented otherwise."""


def add(
    made: Dataset, data: Data, spec: FeatureSpec, folder: Path, progress: Progress = silent
) -> Dataset:
    """Return synthetic speech with the recordings at `data.path`.

    Recordings without a split are for training: there are too few to share them out. Those of the
    word are repeated there until they are `SHARE` of its clips; other speech comes as it is.

    Parameters
    ----------
    made : Dataset
        Synthetic speech.
    data : Data
        `path` is read as `source = "recordings"` reads it.
    folder : Path
        Where a relative `path` begins.

    Raises
    ------
    DataError
        When the recordings cannot be used.
    """
    root = recordings.locate(data, folder, progress)
    base = root.parent if root.is_file() else root
    chosen = recordings.choose(folders.entries(root), data, root)
    recordings.check_words(chosen, data, root)
    speech = [msgspec.structs.replace(row, split=row.split or "training") for row in chosen]
    wanted, others = recordings.cut(speech, base, data, spec, made.labels, progress)
    clips = [clip for split in SPLITS for clip in made.clips[split]]
    times = _times(clips, wanted)
    repeated = [
        replace(clip, source=f"{clip.source}#{number}")
        for clip in wanted
        for number in range(times if clip.split == "training" else 1)
    ]
    note = (
        f"beside it, recorded: {len(wanted):,} times the word, {len(others):,} clips of other "
        f"speech; in training each of the word stands {times} times"
    )
    return replace(
        made,
        clips=arrange([*clips, *repeated, *others], made.labels, "add data or voices"),
        notes=(*made.notes, note),
    )


def _times(clips: Sequence[Clip], wanted: Sequence[Clip]) -> int:
    """Return how often each recording of the word is to be in training."""
    words = {clip.label for clip in wanted}
    spoken = sum(clip.split == "training" and clip.label in words for clip in clips)
    recorded = sum(clip.split == "training" for clip in wanted)
    if not recorded:
        return 1
    return min(MOST, max(1, math.ceil(SHARE / (1 - SHARE) * spoken / recorded)))
