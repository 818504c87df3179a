"""Which of the other words are heard: drawn for each split, in proportion to the wanted ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tinykit.audio.datasets.classes import share
from tinykit.audio.datasets.dataset import Clip
from tinykit.audio.seeded import fraction
from tinykit.audio.split import SPLITS
from tinykit.config import Data


def unknown(
    wanted: Sequence[Clip], spoken: Sequence[Clip], data: Data, notes: list[str]
) -> list[Clip]:
    """Draw other words for each split, a share of its clips of wanted words.

    `[data] unknown_percent`; in training `unknown_training_percent`, where it is given: the more
    other words a network has heard, the better it rejects those that it has not.
    """
    counts = Counter(clip.split for clip in wanted)
    drawn: list[Clip] = []
    for split in SPLITS:
        percent = data.unknown_percent
        if split == "training" and data.unknown_training_percent is not None:
            percent = data.unknown_training_percent
        count = share(percent, counts[split])
        # Order by a hash of each clip: which are drawn hardly changes when the set grows.
        ranked = sorted(
            (clip for clip in spoken if clip.split == split),
            key=lambda clip: fraction("unknown", data.seed, clip.source),
        )
        if len(ranked) < count:
            notes.append(f"{split}: {len(ranked)} clips of unknown words, {count} wanted")
        drawn += ranked[:count]
    return drawn
