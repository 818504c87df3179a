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
from tinykit.audio import wav
from tinykit.audio.datasets.classes import (
    SILENCE,
    UNKNOWN,
    arrange,
    label_names,
    share,
    silence_clips,
)
from tinykit.audio.datasets.dataset import Clip, Dataset, Recorded
from tinykit.audio.download import archive_folder
from tinykit.audio.noise import Noise
from tinykit.audio.seeded import fraction
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS, assign, speaker
from tinykit.config import Data
from tinykit.errors import ConfigError, DataError
from tinykit.progress import Progress, silent

NOISE_FOLDER = "_background_noise_"

_SYNTHETIC_NOISE_SECONDS = 20.0
"""Length of each kind of noise, per split, where a data set brings none."""


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
    root = _root(data, folder, progress)
    recordings = scan(root)
    others = _other_words(data, recordings, root)

    def clips_of(word: str, label: str) -> list[Clip]:
        return [_clip(labels.index(label), word, file, root, data) for file in recordings[word]]

    notes: list[str] = []
    wanted = [clip for word in data.words for clip in clips_of(word, word)]
    clips = list(wanted)
    if UNKNOWN in labels:
        spoken = [clip for word in others for clip in clips_of(word, UNKNOWN)]
        clips += _draw_unknown(wanted, spoken, data, notes)
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


def _root(data: Data, folder: Path, progress: Progress) -> Path:
    """Return the folder that holds the word folders."""
    if data.url and data.path:
        raise ConfigError("[data] has both path and url", "keep one of them")
    if data.url:
        if not data.sha256:
            raise ConfigError(
                f"[data] url = {data.url} needs the archive's checksum",
                'sha256 = "..." (64 hex digits; `sha256sum FILE` prints it)',
            )
        root = archive_folder(data.url, data.sha256, progress)
    elif data.path:
        root = folder / data.path
    else:
        raise ConfigError('[data] source = "speech_commands" needs path or url')
    if not root.is_dir():
        raise DataError(f"{root}: no such folder", "set [data] path to the folder of word folders")
    inside = [entry for entry in root.iterdir() if not entry.name.startswith(".")]
    # Archives often wrap everything into one folder.
    if len(inside) == 1 and inside[0].is_dir() and not files(inside[0]):
        return inside[0]
    return root


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
        split=assign(file.name, data.test_speakers_percent, data.seed),
        source=file.relative_to(root).as_posix(),
        audio=Recorded(file),
    )


def _draw_unknown(
    wanted: Sequence[Clip], spoken: Sequence[Clip], data: Data, notes: list[str]
) -> list[Clip]:
    """Draw other words for each split, `[data] unknown_percent` of its clips of wanted words."""
    counts = Counter(clip.split for clip in wanted)
    drawn: list[Clip] = []
    for split in SPLITS:
        count = share(data.unknown_percent, counts[split])
        # Order by a hash of each clip: which are drawn hardly changes when the set grows.
        ranked = sorted(
            (clip for clip in spoken if clip.split == split),
            key=lambda clip: fraction("unknown", data.seed, clip.source),
        )
        if len(ranked) < count:
            notes.append(f"{split}: {len(ranked)} clips of unknown words, {count} wanted")
        drawn += ranked[:count]
    return drawn


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
    """Read the noise recordings and cut them by split; synthesize where there are none."""
    place = folder / data.noise_path if data.noise_path else root / NOISE_FOLDER
    if data.noise_path and not place.is_dir():
        raise DataError(f"{place}: no such folder", "set [data] noise_path to a folder of noise")
    found = sorted(place.rglob("*")) if place.is_dir() else []
    recordings = {
        file.relative_to(place).as_posix(): wav.read(file, spec.sample_rate_hz)
        for file in found
        if file.suffix.lower() in wav.SUFFIXES and not file.name.startswith(".")
    }
    noise = noises.cut(recordings)
    if noise.parts["training"]:
        return noise
    if data.noise_path:
        raise DataError(f"{place}: no recordings", f"they end in {' or '.join(wav.SUFFIXES)}")
    notes.append(f"no {NOISE_FOLDER}: background noise is synthesized")
    return noises.synthesize(spec.sample_rate_hz, _SYNTHETIC_NOISE_SECONDS, data.seed)
