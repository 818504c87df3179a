"""What is in a data set: clips, speakers, durations and the share of synthetic speech, by class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinykit import paths
from tinykit.audio import wav
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.manifest import Entry
from tinykit.audio.split import SPLITS, assign
from tinykit.errors import DataError
from tinykit.progress import Progress, silent


@dataclass(frozen=True)
class Item:
    """One clip, as far as statistics ask.

    Attributes
    ----------
    split, label, speaker : str
        An empty speaker is nobody: silence, noise.
    seconds : float
    synthetic : bool
    """

    split: str
    label: str
    speaker: str
    seconds: float
    synthetic: bool


def of_dataset(dataset: Dataset) -> list[Item]:
    """Return the clips as a model is given them: all of one length."""
    seconds = dataset.clip_samples / dataset.sample_rate_hz
    return [
        Item(split, dataset.labels[clip.label], clip.speaker, seconds, clip.synthetic)
        for split in SPLITS
        for clip in dataset.clips[split]
    ]


def of_entries(
    entries: Sequence[Entry], base: Path, verify: bool = False, progress: Progress = silent
) -> list[Item]:
    """Return the rows of a manifest or a folder as they lie there: every header is read.

    Parameters
    ----------
    entries : sequence of Entry
    base : Path
        Where their paths begin.
    verify : bool
        Whether the files' checksums are compared with those of the manifest.

    Raises
    ------
    DataError
        When a recording is missing, corrupt, or not the one of the manifest.
    """
    items = []
    for done, entry in enumerate(entries, 1):
        path = base / entry.path
        seconds = wav.info(path).duration_s
        if entry.start_s is not None and entry.end_s is not None:
            seconds = entry.end_s - entry.start_s
        if verify and entry.sha256 and paths.sha256_file(path) != entry.sha256:
            raise DataError(
                f"{path}: not the file of the manifest: its SHA-256 differs",
                "fetch it again, or write the manifest anew",
            )
        split = entry.split or assign(entry.voice, 0.0, 0)
        items.append(Item(split, entry.label, entry.voice, seconds, entry.synthetic))
        if done % 100 == 0 or done == len(entries):
            progress("read recordings", done, len(entries))
    return items


def count(items: Iterable[Item]) -> dict[str, Any]:
    """Return the statistics of each split: its totals, and of each of its classes."""
    by_split: dict[str, list[Item]] = {split: [] for split in SPLITS}
    for item in items:
        by_split[item.split].append(item)
    return {
        split: {**_totals(of_split), "classes": _by_label(of_split)}
        for split, of_split in by_split.items()
    }


def _by_label(items: Sequence[Item]) -> dict[str, Any]:
    members: dict[str, list[Item]] = {}
    for item in items:
        members.setdefault(item.label, []).append(item)
    return {label: _totals(members[label]) for label in sorted(members)}


def _totals(items: Sequence[Item]) -> dict[str, Any]:
    seconds = sorted(item.seconds for item in items)
    return {
        "clips": len(items),
        "speakers": len({item.speaker for item in items if item.speaker}),
        "seconds": round(sum(seconds), 3),
        "shortest_s": round(seconds[0], 3) if seconds else None,
        "median_s": round(seconds[len(seconds) // 2], 3) if seconds else None,
        "longest_s": round(seconds[-1], 3) if seconds else None,
        "synthetic_share": sum(item.synthetic for item in items) / max(1, len(items)),
    }


def imbalance(classes: dict[str, Any]) -> float:
    """Return how many times as many clips the largest class has as the smallest; 0 of none."""
    clips = [one["clips"] for one in classes.values()]
    return max(clips) / min(clips) if clips else 0.0
