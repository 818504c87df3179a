"""The recorded keywords of ../shared/data, as a project would use them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tinykit.audio import datasets
from tinykit.audio.datasets import SILENCE, UNKNOWN
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS, official, speaker
from tinykit.config import Data
from tinykit.errors import DataError

pytestmark = pytest.mark.recorded

WORDS = ["yes", "no", "up", "down", "left", "right", "stop", "go"]


@pytest.fixture
def table(shared_data: Path) -> Data:
    """The standard task: eight words, test speakers held out of training."""
    pytest.importorskip("soundfile")
    return Data(
        source="speech_commands",
        path=str(shared_data / "keywords"),
        words=WORDS,
        test_speakers_percent=10.0,
    )


@pytest.fixture
def dataset(table: Data) -> Dataset:
    """The standard data set of recorded speech."""
    return datasets.load(table, FeatureSpec())


def test_the_hash_split_agrees_with_the_manifest(shared_data: Path) -> None:
    """Every file is in the split, and of the speaker, that the manifest says."""
    with (shared_data / "MANIFEST.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if "keywords/" in row["path"]]
    files = [row for row in rows if "_nohash_" in row["path"] and row["category"] == "keywords"]
    assert len(files) > 6000
    for row in files:
        name = Path(row["path"]).name
        assert official(name) == row["split"]
        assert f"sc_{speaker(name)}" == row["speaker"]


def test_the_standard_task_has_ten_classes_in_every_split(dataset: Dataset) -> None:
    """Eight words, unknown and silence; every class has clips to test on."""
    assert dataset.labels == (SILENCE, UNKNOWN, *WORDS)
    for split in SPLITS:
        assert np.bincount(dataset.targets(split), minlength=10).min() >= 30
    assert dataset.notes == ()


def test_no_speaker_is_in_two_splits(dataset: Dataset) -> None:
    """1,500 people, each heard in one split only."""
    heard = [{clip.speaker for clip in dataset.clips[split]} - {""} for split in SPLITS]
    assert sum(map(len, heard)) == len(set().union(*heard)) > 1000


def test_recordings_are_read(dataset: Dataset) -> None:
    """A test clip is a second of speech."""
    audio = dataset.audio("testing", 0, 50)
    assert audio.shape == (50, 16000)
    spoken = dataset.targets("testing")[:50] > 0
    assert (np.abs(audio.astype(int)).max(axis=1)[spoken] > 300).all()


def test_without_held_out_speakers_the_hint_helps(table: Data) -> None:
    """This set is published without its test speakers; the error says what to write."""
    keys = {name: getattr(table, name) for name in ("source", "path", "words")}
    with pytest.raises(DataError, match="testing") as caught:
        datasets.load(Data(**keys), FeatureSpec())
    assert "test_speakers_percent = 10" in caught.value.hint
