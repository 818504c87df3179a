"""Folders of background noise as data sets publish them: ESC-50, MUSAN, DEMAND, or any other.

A long recording is cut in time, so that each split has a stretch of its own (`noise.cut`). One too
short for that goes to a split as a whole, together with the others of its origin: the clips of
ESC-50 are named `<fold>-<origin>-<take>-<class>.wav`. Of DEMAND's sixteen microphones
(`ch01.wav` ... `ch16.wav`) the first is used: the others heard the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from tinykit.audio import noise as noises
from tinykit.audio import wav
from tinykit.audio.noise import SHARES, Noise, Samples
from tinykit.audio.seeded import fraction
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS, Split
from tinykit.errors import DataError

NAME = "_background_noise_"
"""The folder, or the label, that holds noise among words."""

_ESC = re.compile(r"^(\d-\d+)-[A-Z]")
_CHANNEL = re.compile(r"^ch(\d\d)$", re.IGNORECASE)


def load(folder: Path, spec: FeatureSpec) -> Noise:
    """Read every recording below `folder`.

    Raises
    ------
    DataError
        When there is none, or one cannot be decoded.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder", "set [data] noise_path to a folder of noise")
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in wav.SUFFIXES and not file.name.startswith(".")
    ]
    if not files:
        raise DataError(f"{folder}: no recordings", f"they end in {' or '.join(wav.SUFFIXES)}")
    return read(files, folder, spec)


def read(files: Iterable[Path], base: Path, spec: FeatureSpec) -> Noise:
    """Read recordings, named by their path below `base`, and share them out.

    Raises
    ------
    DataError
        When a split is left without noise.
    """
    recordings = {
        file.relative_to(base).as_posix(): wav.read(file, spec.sample_rate_hz)
        for file in files
        if not _is_other_channel(file)
    }
    noise = share_out(recordings, spec.clip_samples)
    empty = [split for split in SPLITS if not noise.parts[split]]
    if empty:
        raise DataError(
            f"{base}: {len(recordings)} noise recordings, none of them for the {empty[0]} split",
            "add recordings, or longer ones: those of ten clips or more are cut in time",
        )
    return noise


def share_out(recordings: Mapping[str, Samples], clip_samples: int) -> Noise:
    """Cut long recordings in time; give short ones to a split by a hash of their origin."""
    # A split's share of the time must hold a clip; else its noise would be the same bit repeated.
    shortest = int(np.ceil(clip_samples / min(SHARES.values())))
    long = {name: samples for name, samples in recordings.items() if len(samples) >= shortest}
    short = {name: samples for name, samples in recordings.items() if name not in long}
    if not _enough(short):
        return noises.cut(recordings)
    parts = {split: dict(noises.cut(long).parts[split]) for split in SPLITS}
    for name, samples in short.items():
        parts[_split(name)][name] = samples
    return Noise(parts)


def _enough(recordings: Mapping[str, Samples]) -> bool:
    """Return whether whole recordings can be shared out so that each split gets some."""
    return {_split(name) for name in recordings} == set(SPLITS)


def _split(name: str) -> Split:
    """Return the split of a short recording: that of its origin."""
    place = fraction("noise", origin(name))
    for split, share in SHARES.items():
        place -= share
        if place < 0:
            return split
    return "testing"


def origin(name: str) -> str:
    """Return what a recording was cut from, by its path: clips of ESC-50 say so in their names."""
    found = _ESC.match(Path(name).name)
    return found[1] if found else name


def _is_other_channel(file: Path) -> bool:
    """Return whether `file` is what another microphone heard of `ch01`, which is there as well."""
    found = _CHANNEL.match(file.stem)
    if not found or found[1] == "01":
        return False
    return file.with_name(f"{file.stem[:2]}01{file.suffix}").is_file()
