"""Recordings in any folder, or listed in a manifest: clips, parts of long recordings, noise.

Wanted words come as they are cut, around their time stamps, or where a longer recording is
loudest. Everything else is of the unknown class; what is longer than a clip is cut into clips.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinykit import paths
from tinykit.audio import noise as noises
from tinykit.audio import noise_folders, wav
from tinykit.audio.datasets import drawing, folders
from tinykit.audio.datasets.classes import SILENCE, UNKNOWN, arrange, label_names, silence_clips
from tinykit.audio.datasets.dataset import (
    Audio,
    Clip,
    Dataset,
    Recorded,
    Samples,
    file_sha256,
)
from tinykit.audio.download import archive_folder
from tinykit.audio.manifest import Entry
from tinykit.audio.noise import Noise
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import assign
from tinykit.config import Data
from tinykit.errors import ConfigError, DataError
from tinykit.progress import Progress, silent

SYNTHETIC_NOISE_SECONDS = 20.0
"""Length of each kind of noise, per split, where a data set brings none."""

_HINT = (
    "hold speakers out of training: [data] test_speakers_percent = 15, "
    "validation_speakers_percent = 15; or give the rows of the manifest their splits"
)


@dataclass(frozen=True)
class Part:
    """A clip out of a longer recording, from `start_s` on; zeros where the recording has ended."""

    path: Path
    start_s: float

    def samples(self, count: int, rate_hz: int) -> Samples:
        """Return int16 (count,) at `rate_hz`."""
        return wav.read_part(self.path, rate_hz, self.start_s, count)

    def sha256(self) -> str:
        """Return the hash of the file and the place in it."""
        return paths.sha256_bytes(f"{file_sha256(self.path)}@{self.start_s}".encode())


@dataclass(frozen=True)
class Loudest:
    """The clip out of a longer recording that has the most energy: where the word is."""

    path: Path

    def samples(self, count: int, rate_hz: int) -> Samples:
        """Return int16 (count,) at `rate_hz`."""
        whole = wav.read(self.path, rate_hz)
        if len(whole) <= count:
            return wav.fit(whole, count)
        energy = np.concatenate([[0], np.cumsum(whole.astype(np.int64) ** 2)])
        best = energy[count:] - energy[:-count]
        # Of the windows that hold all of it, the middle one: the word is then not at an edge.
        good = np.flatnonzero(best >= 0.98 * best.max())
        start = int(good[len(good) // 2])
        return whole[start : start + count]

    def sha256(self) -> str:
        """Return the hash of the file."""
        return paths.sha256_bytes(f"{file_sha256(self.path)}@loudest".encode())


def load(data: Data, spec: FeatureSpec, folder: Path, progress: Progress = silent) -> Dataset:
    """Read a folder, an archive or a manifest of recordings.

    Parameters
    ----------
    data : Data
        `[data]` with `path`, or with `url` and `sha256`.
    spec : FeatureSpec
        Sample rate and clip length.
    folder : Path
        Where relative paths begin: the project.

    Raises
    ------
    DataError
        When the folder, the manifest, a word or a recording cannot be used.
    """
    labels = label_names(data)
    root = locate(data, folder, progress)
    rows = folders.entries(root)
    base = root.parent if root.is_file() else root
    speech = choose(rows, data, root)
    check_words(speech, data, root)
    notes = _notes(speech)

    clips, spoken = cut(speech, base, data, spec, labels, progress)
    wanted = list(clips)
    if UNKNOWN in labels:
        clips += drawing.unknown(wanted, spoken, data, notes)
    noise = _noise(rows, base, folder, data, spec, notes)
    if SILENCE in labels:
        clips += silence_clips(wanted, noise, data, labels.index(SILENCE))
    return Dataset(
        source="recordings",
        labels=labels,
        clips=arrange(clips, labels, _HINT),
        noise=noise,
        sample_rate_hz=spec.sample_rate_hz,
        clip_samples=spec.clip_samples,
        notes=tuple(notes),
    )


def cut(
    speech: Sequence[Entry],
    base: Path,
    data: Data,
    spec: FeatureSpec,
    labels: Sequence[str],
    progress: Progress = silent,
) -> tuple[list[Clip], list[Clip]]:
    """Return the clips of the wanted words, and those of the unknown class where there is one.

    Parameters
    ----------
    speech : sequence of Entry
        Rows, with paths below `base`.
    """
    wanted: list[Clip] = []
    unknown: list[Clip] = []
    for done, row in enumerate(speech, 1):
        if row.label in data.words:
            wanted.append(_clip(row, _audio(row, base, spec), labels.index(row.label), data))
        elif UNKNOWN in labels and _is_unknown(row, data):
            index = labels.index(UNKNOWN)
            unknown += [_clip(row, audio, index, data, n) for n, audio in _cut(row, base, spec)]
        if done % 100 == 0 or done == len(speech):
            progress("check recordings", done, len(speech))
    return wanted, unknown


def locate(data: Data, folder: Path, progress: Progress) -> Path:
    """Return the folder or the manifest that `[data]` names; fetch it where it is at `url`."""
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
        raise ConfigError(f'[data] source = "{data.source}" needs path or url')
    if not root.is_dir():
        return root
    inside = [entry for entry in root.iterdir() if not entry.name.startswith(".")]
    # Archives often wrap everything into one folder, which holds folders in turn.
    if len(inside) == 1 and inside[0].is_dir() and not _holds_recordings(inside[0]):
        return inside[0]
    return root


def _holds_recordings(folder: Path) -> bool:
    return any(file.suffix.lower() in wav.SUFFIXES for file in folder.iterdir())


def choose(rows: Sequence[Entry], data: Data, root: Path) -> list[Entry]:
    """Return the rows of speech: those of `categories`, or all that are not noise."""
    known = sorted({row.category for row in rows if row.category})
    for key in ("categories", "noise_categories"):
        for category in getattr(data, key):
            if category not in known and (key, category) != ("noise_categories", "noise"):
                raise DataError(
                    f"{root}: no rows of the category `{category}` ([data] {key})",
                    f"there: {', '.join(known) or 'no category'}",
                )
    if data.categories:
        return [row for row in rows if row.category in data.categories]
    return [row for row in rows if not is_noise(row, data)]


def is_noise(row: Entry, data: Data) -> bool:
    """Return whether a row is background noise, by its label or its category."""
    return row.label == noise_folders.NAME or row.category in data.noise_categories


def _is_unknown(row: Entry, data: Data) -> bool:
    return not data.unknown_words or row.label in (*data.unknown_words, folders.GAP)


def check_words(speech: Sequence[Entry], data: Data, root: Path) -> None:
    """Raise DataError when a word of the project has no recording."""
    known = sorted({row.label for row in speech})
    for word in (*data.words, *data.unknown_words):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            meant = f"did you mean `{near[0]}`? " if near else ""
            there = ", ".join(known[:40]) or "no label"
            raise DataError(f"{root}: no recordings of `{word}`", f"{meant}there: {there}")


def _notes(speech: Sequence[Entry]) -> list[str]:
    nobody = sum(row.voice == row.path for row in speech)
    if not nobody:
        return []
    return [
        f"{nobody:,} recordings without a speaker: split by file, so a person may be in two splits"
    ]


def _clip(row: Entry, audio: Audio, label: int, data: Data, number: int = 0) -> Clip:
    return Clip(
        label=label,
        word=row.label,
        speaker=row.voice,
        split=assign(
            row.voice,
            data.test_speakers_percent,
            data.seed,
            data.validation_speakers_percent,
            row.split,
        ),
        source=f"{row.source}+{number}" if number else row.source,
        audio=audio,
        synthetic=row.synthetic,
    )


def _audio(row: Entry, base: Path, spec: FeatureSpec) -> Audio:
    """Return the clip of a wanted word."""
    path = base / row.path
    header = wav.info(path)
    if row.start_s is not None and row.end_s is not None:
        if row.end_s > header.duration_s + 0.05:
            raise DataError(
                f"{path}: `{row.label}` ends at {row.end_s:g} s, "
                f"the recording at {header.duration_s:g} s"
            )
        return Part(path, (row.start_s + row.end_s) / 2 - spec.clip_ms / 2000)
    short = header.frames * spec.sample_rate_hz <= spec.clip_samples * header.rate_hz
    return Recorded(path) if short else Loudest(path)


def _cut(row: Entry, base: Path, spec: FeatureSpec) -> Iterator[tuple[int, Audio]]:
    """Yield the clips of what is not wanted, one after the other."""
    path = base / row.path
    duration = wav.info(path).duration_s
    start = row.start_s or 0.0
    length = min(row.end_s or duration, duration) - start
    if row.start_s is None and length <= spec.clip_ms / 1000:
        yield 0, Recorded(path)
        return
    for number in range(max(1, int(length * 1000 / spec.clip_ms))):
        yield number, Part(path, start + number * spec.clip_ms / 1000)


def _noise(
    rows: Sequence[Entry],
    base: Path,
    folder: Path,
    data: Data,
    spec: FeatureSpec,
    notes: list[str],
) -> Noise:
    """Return the noise of `noise_path`, of the manifest, or synthesized noise."""
    listed = [base / row.path for row in rows if is_noise(row, data)]
    if data.noise_path:
        noise = noise_folders.load(folder / data.noise_path, spec)
    elif listed:
        noise = noise_folders.read(listed, base, spec)
    elif (base / noise_folders.NAME).is_dir():
        noise = noise_folders.load(base / noise_folders.NAME, spec)
    else:
        notes.append(f"no {noise_folders.NAME}: background noise is synthesized")
        return noises.synthesize(spec.sample_rate_hz, SYNTHETIC_NOISE_SECONDS, data.seed)
    return noise
