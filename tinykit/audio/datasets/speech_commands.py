"""Recorded words in the layout of Speech Commands: `<word>/<speaker>_nohash_<n>.wav|.flac`.

Any set in this layout works: each word in a folder of its name, the files named by speaker.
Folders whose names begin with `_` hold no words; `_background_noise_` holds noise.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tinykit.audio import noise as noises
from tinykit.audio import noise_folders, wav
from tinykit.audio.datasets import drawing
from tinykit.audio.datasets.classes import SILENCE, UNKNOWN, arrange, label_names, silence_clips
from tinykit.audio.datasets.dataset import Clip, Dataset, Recorded
from tinykit.audio.datasets.recordings import SYNTHETIC_NOISE_SECONDS, locate
from tinykit.audio.noise import Noise
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import assign, speaker
from tinykit.config import Data
from tinykit.errors import DataError
from tinykit.progress import Progress, silent


def load(data: Data, spec: FeatureSpec, folder: Path, progress: Progress = silent) -> Dataset:
    """Read a folder or an archive of recorded words.

    Parameters
    ----------
    data : Data
        `[data]` with `path`, or with `url` and `sha256`.
    spec : FeatureSpec
        Sample rate and clip length.
    folder : Path
        Where a relative `path` begins: the project.

    Raises
    ------
    DataError
        When the folder, a word or a recording cannot be used.
    """
    labels = label_names(data)
    root = locate(data, folder, progress)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder", "set [data] path to the folder of word folders")
    recordings = scan(root)
    others = _other_words(data, recordings, root)

    def clips_of(word: str, label: str) -> list[Clip]:
        return [_clip(labels.index(label), word, file, root, data) for file in recordings[word]]

    notes: list[str] = []
    wanted = [clip for word in data.words for clip in clips_of(word, word)]
    clips = list(wanted)
    if UNKNOWN in labels:
        spoken = [clip for word in others for clip in clips_of(word, UNKNOWN)]
        clips += drawing.unknown(wanted, spoken, data, notes)
    notes += _check(clips, spec, progress)
    noise = _noise(data, spec, root, folder, notes)
    if SILENCE in labels:
        clips += silence_clips(wanted, noise, data, labels.index(SILENCE))
    return Dataset(
        source="speech_commands",
        labels=labels,
        clips=arrange(
            clips,
            labels,
            "give each word several speakers"
            if data.test_speakers_percent
            else "hold speakers out of training: [data] test_speakers_percent = 10",
        ),
        noise=noise,
        sample_rate_hz=spec.sample_rate_hz,
        clip_samples=spec.clip_samples,
        notes=tuple(notes),
    )


def scan(root: Path) -> dict[str, list[Path]]:
    """Return the recordings of each word folder below `root`, in the order of their names."""
    return {
        entry.name: files(entry)
        for entry in sorted(root.iterdir())
        if entry.is_dir() and not entry.name.startswith(("_", "."))
    }


def files(folder: Path) -> list[Path]:
    """Return the recordings directly in `folder`, in the order of their names."""
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.suffix.lower() in wav.SUFFIXES and not entry.name.startswith(".")
    )


def _other_words(data: Data, recordings: Mapping[str, Sequence[Path]], root: Path) -> list[str]:
    """Return the words of the unknown class, after checking that every word has recordings."""
    for word in (*data.words, *data.unknown_words):
        if not recordings.get(word):
            known = [name for name, found in recordings.items() if found]
            near = difflib.get_close_matches(word, known, n=1)
            meant = f"did you mean `{near[0]}`? " if near else ""
            there = ", ".join(known[:40]) or "no word folder"
            raise DataError(f"{root}: no recordings of `{word}`", f"{meant}there: {there}")
    return data.unknown_words or [word for word in recordings if word not in data.words]


def _clip(label: int, word: str, file: Path, root: Path, data: Data) -> Clip:
    return Clip(
        label=label,
        word=word,
        speaker=speaker(file.name),
        split=assign(
            file.name, data.test_speakers_percent, data.seed, data.validation_speakers_percent
        ),
        source=file.relative_to(root).as_posix(),
        audio=Recorded(file),
    )


def _check(clips: Sequence[Clip], spec: FeatureSpec, progress: Progress) -> list[str]:
    """Read every header; return what had to be changed about how many recordings."""
    changes: Counter[str] = Counter()
    for done, clip in enumerate(clips, 1):
        assert isinstance(clip.audio, Recorded)
        header = wav.info(clip.audio.path)
        if header.rate_hz != spec.sample_rate_hz:
            changes[f"resampled from {header.rate_hz} Hz to {spec.sample_rate_hz} Hz"] += 1
        if header.channels > 1:
            changes[f"mixed from {header.channels} channels to one"] += 1
        if header.frames * spec.sample_rate_hz > spec.clip_samples * header.rate_hz:
            changes[f"longer than {spec.clip_ms} ms: the end is cut off"] += 1
        if done % 100 == 0 or done == len(clips):
            progress("check recordings", done, len(clips))
    return [f"{count:,} recordings {change}" for change, count in sorted(changes.items())]


def _noise(data: Data, spec: FeatureSpec, root: Path, folder: Path, notes: list[str]) -> Noise:
    """Read the noise recordings and share them out by split; synthesize where there are none."""
    if data.noise_path:
        return noise_folders.load(folder / data.noise_path, spec)
    place = root / noise_folders.NAME
    if place.is_dir() and any(file.suffix.lower() in wav.SUFFIXES for file in place.rglob("*")):
        return noise_folders.load(place, spec)
    notes.append(f"no {noise_folders.NAME}: background noise is synthesized")
    return noises.synthesize(spec.sample_rate_hz, SYNTHETIC_NOISE_SECONDS, data.seed)
