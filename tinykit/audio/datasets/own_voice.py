"""Recordings of one's own, beside synthetic ones: in the same folder, in the same manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import manifest, wav
from tinykit.audio.datasets.generation import slug
from tinykit.audio.datasets.listing import complete
from tinykit.audio.manifest import Entry
from tinykit.audio.split import Split, check_speakers
from tinykit.errors import ConfigError


def check(folder: Path, label: str, speaker: str, split: Split) -> list[Entry]:
    """Return the rows of the folder's manifest, after checking that one more of `speaker` fits.

    Raises
    ------
    ConfigError
        When there is no label or speaker.
    DataError
        When the speaker is already in another split, or the manifest is wrong.
    """
    if not label.strip() or not speaker.strip() or speaker.lower() in manifest.NOBODY:
        raise ConfigError("a recording needs a word and the name of who speaks it")
    listed = manifest.find(folder)
    rows = manifest.read(listed) if listed else []
    check_speakers([*((row.voice, row.split) for row in rows if row.split), (speaker, split)])
    return rows


def add(
    folder: Path,
    label: str,
    speaker: str,
    samples: NDArray[np.int16],
    rate_hz: int,
    split: Split = "training",
) -> Path:
    """Write one more recording and its row of the manifest; return the file.

    Parameters
    ----------
    folder : Path
        Of `tinykit data synth`, or a new one.
    label, speaker : str
        What is said, and by whom.
    samples : int16 (samples,)
    rate_hz : int
    split : Split
        Of all recordings of this speaker.

    Raises
    ------
    ConfigError, DataError
        As `check` does.
    """
    listed, rows = manifest.find(folder), check(folder, label, speaker, split)
    taken = {row.path for row in rows}
    number = 0
    while (path := f"{slug(label)}/{slug(speaker)}_nohash_{number}.wav") in taken or (
        folder / path
    ).exists():
        number += 1
    wav.write(folder / path, samples, rate_hz)
    row = Entry(path=path, label=label, split=split, speaker=speaker, category="own voice")
    manifest.write(listed or folder / manifest.NAMES[0], [*rows, *complete([row], folder)])
    return folder / path
