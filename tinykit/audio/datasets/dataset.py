"""A data set: which clips there are, who speaks in them, and their audio when it is asked for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinykit import paths
from tinykit.audio import wav
from tinykit.audio.noise import Noise
from tinykit.audio.seeded import generator
from tinykit.audio.split import SPLITS, Split

Samples = NDArray[np.int16]


class Audio(Protocol):
    """Where the samples of a clip come from."""

    def samples(self, count: int, rate_hz: int) -> Samples:
        """Return int16 (count,) at `rate_hz`."""

    def sha256(self) -> str:
        """Return a hash that changes when the samples do."""


@dataclass(frozen=True)
class Recorded:
    """A file, read when it is needed: shorter ones end in zeros, longer ones are cut off."""

    path: Path

    def samples(self, count: int, rate_hz: int) -> Samples:
        """Return int16 (count,) at `rate_hz`."""
        return wav.fit(wav.read(self.path, rate_hz), count)

    def sha256(self) -> str:
        """Return the hash of the file."""
        return file_sha256(self.path)


def file_sha256(path: Path) -> str:
    """Return the hash of a recording; read once, as a long one is the source of many clips."""
    found = path.stat()
    return _file_sha256(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1 << 17)
def _file_sha256(path: Path, _size: int, _changed_ns: int) -> str:
    return paths.sha256_file(path)


@dataclass(frozen=True)
class Silent:
    """Nobody speaks: a draw from the split's noise."""

    noise: Noise
    split: Split
    key: str

    def samples(self, count: int, rate_hz: int) -> Samples:
        """Return int16 (count,); the noise has the data set's rate."""
        return self.noise.silence(self.split, count, generator(self.key))

    def sha256(self) -> str:
        """Return the hash of the draw; the noise is hashed once, by the data set."""
        return paths.sha256_bytes(self.key.encode())


@dataclass(frozen=True)
class Clip:
    """One example.

    Attributes
    ----------
    label : int
        Index into `Dataset.labels`.
    word : str
        What is said; `_silence_` when nothing is.
    speaker : str
        Who says it: a person or a synthetic voice; empty for silence.
    split : Split
    source : str
        File below the data folder, or what was synthesized; unique in the data set.
    audio : Audio
    synthetic : bool
        Whether the samples were computed rather than recorded.
    """

    label: int
    word: str
    speaker: str
    split: Split
    source: str
    audio: Audio
    synthetic: bool = False


@dataclass(frozen=True)
class Dataset:
    """Clips with labels, apart by split, and the noise that belongs to them.

    Audio is made or read on request, so a set of any size needs little memory. The order of clips
    is such that every first part of a split has the classes in the proportions of the whole.
    """

    source: str
    labels: tuple[str, ...]
    clips: Mapping[Split, Sequence[Clip]]
    noise: Noise
    sample_rate_hz: int
    clip_samples: int
    notes: tuple[str, ...] = ()

    def targets(self, split: Split) -> NDArray[np.int32]:
        """Return the labels of a split, int32 (N,)."""
        return np.array([clip.label for clip in self.clips[split]], np.int32)

    def audio(self, split: Split, start: int = 0, stop: int | None = None) -> Samples:
        """Return the audio of clips `start` to `stop` of a split, int16 (n, clip_samples)."""
        chosen = self.clips[split][start:stop]
        audio = np.empty((len(chosen), self.clip_samples), np.int16)
        for row, clip in zip(audio, chosen, strict=True):
            row[:] = clip.audio.samples(self.clip_samples, self.sample_rate_hz)
        return audio

    def batches(self, split: Split, size: int = 256) -> Iterator[Samples]:
        """Yield the audio of a split in order, int16 (at most `size`, clip_samples) at a time."""
        for start in range(0, len(self.clips[split]), size):
            yield self.audio(split, start, start + size)

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that a model could learn from: labels, splits, audio, noise."""
        shape = (self.labels, self.sample_rate_hz, self.clip_samples)
        digest = hashlib.sha256(repr(shape).encode())
        for split in SPLITS:
            for clip in self.clips[split]:
                line = (split, clip.label, clip.source, clip.audio.sha256())
                digest.update(repr(line).encode())
            for name, part in sorted(self.noise.parts[split].items()):
                digest.update(name.encode() + np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    @cached_property
    def noise_sha256(self) -> str:
        """Hash of the noise alone: what silence and augmented clips depend on."""
        digest = hashlib.sha256()
        for split in SPLITS:
            for name, part in sorted(self.noise.parts[split].items()):
                digest.update(repr((split, name, len(part))).encode())
                digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def statistics(self) -> dict[str, Any]:
        """Return what `data.json` says of the set: counts, speakers, noise, notes."""
        return {
            "source": self.source,
            "sha256": self.sha256,
            "labels": list(self.labels),
            "sample_rate_hz": self.sample_rate_hz,
            "clip_samples": self.clip_samples,
            "splits": {split: self._split_statistics(split) for split in SPLITS},
            "notes": list(self.notes),
        }

    def _split_statistics(self, split: Split) -> dict[str, Any]:
        clips = self.clips[split]
        count = Counter(clip.label for clip in clips)
        return {
            "clips": len(clips),
            "classes": {label: count[index] for index, label in enumerate(self.labels)},
            "speakers": len({clip.speaker for clip in clips if clip.speaker}),
            "synthetic_share": sum(clip.synthetic for clip in clips) / max(1, len(clips)),
            "noise_recordings": len(self.noise.parts[split]),
            "noise_seconds": self.noise.samples(split) / self.sample_rate_hz,
        }
