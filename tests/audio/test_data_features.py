from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinykit.audio import datasets, frontend
from tinykit.audio.datasets.dataset import Clip, Dataset
from tinykit.audio.datasets.features import features
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS
from tinykit.config import Augment, Data
from tinykit.errors import DataError

SPEC = FeatureSpec()
TABLE = Augment(copies=2)


@pytest.fixture
def dataset(words_folder: Path) -> Dataset:
    """24 training, 12 validation and 12 testing clips of four classes."""
    data = Data(source="speech_commands", path=str(words_folder), words=["stop", "go"])
    return datasets.load(data, SPEC)


def _with(dataset: Dataset, training: Sequence[Clip]) -> Dataset:
    return replace(dataset, clips={**dataset.clips, "training": training})


def test_arrays_are_as_the_architecture_says(dataset: Dataset) -> None:
    """Names, shapes and types of `features.npz`; only training clips have copies."""
    found = features(dataset, SPEC, TABLE, audio_clips=5)
    assert {name: (array.dtype.str[1:], array.shape) for name, array in found.items()} == {
        "labels": ("U9", (4,)),
        "x_training": ("i1", (72, SPEC.frames, SPEC.width)),
        "y_training": ("i4", (72,)),
        "x_validation": ("i1", (12, SPEC.frames, SPEC.width)),
        "y_validation": ("i4", (12,)),
        "x_testing": ("i1", (12, SPEC.frames, SPEC.width)),
        "y_testing": ("i4", (12,)),
        "audio_testing": ("i2", (5, SPEC.clip_samples)),
    }
    assert tuple(found["labels"]) == dataset.labels


def test_rows_are_those_of_the_front_end(dataset: Dataset) -> None:
    """Validation and testing, and the first block of training, are the clean clips."""
    found = features(dataset, SPEC, TABLE)
    for split in SPLITS:
        clean = frontend.features(dataset.audio(split), SPEC)
        np.testing.assert_array_equal(found[f"x_{split}"][: len(clean)], clean)
        np.testing.assert_array_equal(found[f"y_{split}"][: len(clean)], dataset.targets(split))
    audio = found["audio_testing"]
    np.testing.assert_array_equal(frontend.features(audio, SPEC), found["x_testing"][: len(audio)])


def test_copies_differ_from_the_clean_clips_and_each_other(dataset: Dataset) -> None:
    """Every augmented version of every spoken clip is another one; its label stays."""
    found = features(dataset, SPEC, TABLE)
    blocks = found["x_training"].reshape(3, 24, -1)
    spoken = dataset.targets("training") > 0
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert (blocks[first] != blocks[second])[spoken].any(axis=1).all()
    assert (found["y_training"].reshape(3, 24) == dataset.targets("training")).all()


def test_the_same_seed_repeats_and_another_differs(dataset: Dataset) -> None:
    """Augmentation is reproducible, and the seed matters for training only."""
    first, again, other = (features(dataset, SPEC, TABLE, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["x_training"], other["x_training"])
    assert np.array_equal(first["x_testing"], other["x_testing"])


def test_a_version_does_not_depend_on_the_other_clips(dataset: Dataset) -> None:
    """In another order, or among fewer clips, each clip has the same versions."""
    clips = dataset.clips["training"]
    whole = features(dataset, SPEC, TABLE)["x_training"].reshape(3, 24, -1)
    backward = features(_with(dataset, clips[::-1]), SPEC, TABLE)["x_training"]
    np.testing.assert_array_equal(backward.reshape(3, 24, -1)[:, ::-1], whole)
    few = features(_with(dataset, clips[5:9]), SPEC, TABLE)["x_training"]
    np.testing.assert_array_equal(few.reshape(3, 4, -1), whole[:, 5:9])


def test_the_chunk_size_does_not_matter(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the work is cut up and which thread does it changes no byte."""
    whole = features(dataset, SPEC, TABLE)
    monkeypatch.setattr("tinykit.audio.datasets.features._CHUNK", 5)
    pieces = features(dataset, SPEC, TABLE)
    assert all(np.array_equal(whole[name], pieces[name]) for name in whole)


def test_progress_counts_all_clips(dataset: Dataset) -> None:
    """Progress ends at the number of clips."""
    told: list[tuple[int, int]] = []
    features(dataset, SPEC, TABLE, progress=lambda _, done, total, **__: told.append((done, total)))
    assert told[-1] == (48, 48)


def test_a_recording_that_breaks_late_is_named(dataset: Dataset, words_folder: Path) -> None:
    """A file that has been cut since the check is an error of the whole run, with its name."""
    clip = next(clip for clip in dataset.clips["training"] if clip.word == "go")
    path = words_folder / clip.source
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=clip.source):
        features(dataset, SPEC, TABLE)


def test_interruption_is_passed_on(dataset: Dataset) -> None:
    """Ctrl-C during the work ends it."""

    def interrupt(what: str, done: int, total: int, **figures: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features(dataset, SPEC, TABLE, progress=interrupt)
