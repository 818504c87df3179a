"""What `tinykit data` does with a project's data, or with a folder that belongs to none."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tinykit import paths
from tinykit.audio import datasets, manifest, microphone, rooms
from tinykit.audio.datasets import (
    folders,
    generation,
    listening,
    listing,
    own_voice,
    recordings,
    statistics,
    voicing,
)
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.datasets.generation import Settings
from tinykit.audio.split import Split
from tinykit.config import Config, Data
from tinykit.config import Project as ProjectTable
from tinykit.errors import ToolError
from tinykit.progress import Progress, silent

LISTEN = Path("build") / "listen.html"
"""Where a project's listening page lies."""


def of_project(config: Config, folder: Path, progress: Progress = silent) -> dict[str, Any]:
    """Return the statistics of a project's clips, as training is given them."""
    dataset = datasets.load(config.data, config.features, folder, progress)
    noise = {
        split: {"recordings": len(parts), "seconds": dataset.noise.samples(split) / _rate(dataset)}
        for split, parts in dataset.noise.parts.items()
    }
    return {
        "source": dataset.source,
        "splits": statistics.count(statistics.of_dataset(dataset)),
        "noise": noise,
        "notes": list(dataset.notes),
    }


def of_folder(path: Path, verify: bool = False, progress: Progress = silent) -> dict[str, Any]:
    """Return the statistics of a folder or a manifest, as it lies there."""
    rows, base = folders.entries(path), path.parent if path.is_file() else path
    items = statistics.of_entries(rows, base, verify, progress)
    return {"source": str(path), "splits": statistics.count(items), "noise": {}, "notes": []}


def listen(
    config: Config, folder: Path, target: Path, each: int, progress: Progress = silent
) -> Path:
    """Write the listening page of a project and return its path."""
    dataset = datasets.load(config.data, config.features, folder, progress)
    found = _rooms(config, folder)
    sections = [
        *listening.of_classes(dataset, each),
        listening.of_augmentation(dataset, config.augment, config.train, config.features, found),
    ]
    subtitle = f"{sum(map(len, dataset.clips.values())):,} clips from {dataset.source}."
    text = listening.page(config.project.name, subtitle, sections, _rate(dataset))
    paths.write_text(target, text)
    return target


def as_project(path: Path) -> Config:
    """Return the settings of a project whose words are all labels of a folder or a manifest."""
    speech = [row for row in folders.entries(path) if not recordings.is_noise(row, Data())]
    labels = sorted({row.label for row in speech})
    words = [label for label in labels if not label.startswith("_")] or labels
    return Config(
        project=ProjectTable(name=path.stem, task="keyword-spotting", board=""),
        data=Data(
            source="recordings",
            path=str(path.resolve()),
            words=words,
            unknown_percent=10_000.0 if len(words) < len(labels) else 0.0,
            silence_percent=0.0,
        ),
    )


def write_manifest(
    folder: Path,
    target: Path | None,
    validation_percent: float,
    test_percent: float,
    seed: int,
    progress: Progress = silent,
) -> tuple[Path, int]:
    """Write the manifest of a folder; return its path and the number of rows."""
    rows = listing.complete(
        folders.scan(folder), folder, validation_percent, test_percent, seed, progress
    )
    path = target or folder / manifest.NAMES[0]
    manifest.write(path, rows)
    return path, len(rows)


def engines() -> list[str]:
    """Return who can speak on this machine (`voicing.ENGINES`)."""
    return voicing.installed()


def synthesize(settings: Settings, folder: Path, progress: Progress = silent) -> dict[str, Any]:
    """Speak a wake word, near misses and other words into a folder; return what was made."""
    made = generation.synthesize(settings, folder, progress)
    items = statistics.of_entries(made.entries, folder)
    return {
        "manifest": str(made.manifest),
        "near_misses": [asdict(one) for one in made.near_misses],
        "accents": made.accents,
        "splits": statistics.count(items),
    }


def record(
    folder: Path, word: str, speaker: str, seconds: float, split: Split, rate_hz: int = 16000
) -> Path:
    """Record once from the microphone, check it and put it into a folder; return the file."""
    own_voice.check(folder, word, speaker, split)  # before anybody speaks
    samples = microphone.record(seconds, rate_hz)
    microphone.check(samples)
    return own_voice.add(folder, word, speaker, samples, rate_hz, split)


def _rooms(config: Config, folder: Path) -> list[rooms.Response]:
    """Return the project's rooms; two simulated ones where it has none and they can be made."""
    table = config.augment
    rate_hz, seed = config.features.sample_rate_hz, config.data.seed
    if table.room_probability:
        return rooms.load(table, rate_hz, seed, folder)
    try:
        return rooms.simulated(table, rate_hz, seed, 2)
    except ToolError:
        return []


def _rate(dataset: Dataset) -> int:
    return dataset.sample_rate_hz
