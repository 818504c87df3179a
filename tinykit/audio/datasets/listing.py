"""A manifest made from a folder: splits by speaker, durations and checksums written down."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tinykit import paths
from tinykit.audio import wav
from tinykit.audio.manifest import Entry
from tinykit.audio.split import assign
from tinykit.progress import Progress, silent


def complete(
    entries: Sequence[Entry],
    base: Path,
    validation_speakers_percent: float = 0.0,
    test_speakers_percent: float = 0.0,
    seed: int = 0,
    progress: Progress = silent,
) -> list[Entry]:
    """Fill in what rows lack: split (by a hash of the speaker), duration and checksum.

    Parameters
    ----------
    entries : sequence of Entry
    base : Path
        Where their paths begin.
    validation_speakers_percent, test_speakers_percent : float
        Shares of the training speakers that are moved to the other splits.
    seed : int
        Another seed moves other speakers.

    Raises
    ------
    DataError
        When a recording is missing or corrupt.
    """
    filled = []
    for done, entry in enumerate(entries, 1):
        path = base / entry.path
        filled.append(
            msgspec.structs.replace(
                entry,
                split=assign(
                    entry.voice,
                    test_speakers_percent,
                    seed,
                    validation_speakers_percent,
                    entry.split,
                ),
                duration_s=round(wav.info(path).duration_s, 3),
                sha256=paths.sha256_file(path),
            )
        )
        if done % 100 == 0 or done == len(entries):
            progress("read recordings", done, len(entries))
    return filled
