from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sounds import RATE_HZ, tone

pytest.importorskip("scipy")

from tinykit.audio import noise, wav
from tinykit.audio.datasets import beside
from tinykit.audio.datasets.classes import arrange
from tinykit.audio.datasets.dataset import Clip, Dataset, Recorded
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS
from tinykit.config import Data
from tinykit.errors import DataError

LABELS = ("_unknown_", "lumen")
DATA = Data(source="synthetic_wake_word", words=["lumen"], path="own", silence_percent=0.0)


@pytest.fixture
def made(tmp_path: Path) -> Dataset:
    """A synthetic set of 30 clips of the word for training, and one of all else."""
    clips = [
        Clip(label, LABELS[label], f"espeak-ng:{split}", split, f"{split}/{label}/{n}",
             Recorded(tmp_path / "none.wav"), True)
        for split in SPLITS for label in (0, 1) for n in range(30 if split == "training" else 2)
    ]  # fmt: skip
    silent = noise.synthesize(RATE_HZ, 1.0)
    return Dataset("s", LABELS, arrange(clips, LABELS, ""), silent, RATE_HZ, RATE_HZ, ("note",))


def _record(folder: Path, label: str, name: str) -> None:
    wav.write(folder / "own" / label / name, tone(500, 0.5), RATE_HZ)


def test_recordings_of_the_word_are_a_share_of_training(made: Dataset, tmp_path: Path) -> None:
    """Each repeated under a name of its own, so that each is augmented otherwise."""
    for number in range(3):
        _record(tmp_path, "lumen", f"me_nohash_{number}.wav")
    found = beside.add(made, DATA, FeatureSpec(), tmp_path)
    own = [clip for clip in found.clips["training"] if not clip.synthetic]
    words = sum(clip.label == 1 for clip in found.clips["training"])
    assert len(own) / words == pytest.approx(beside.SHARE, abs=0.05)
    assert set(Counter(clip.audio.sha256() for clip in own).values()) == {len(own)}  # same tones
    assert len({clip.source for clip in own}) == len(own) == 12
    assert all(clip.synthetic for split in SPLITS[1:] for clip in found.clips[split])
    assert found.notes[0] == "note" and "3 times the word" in found.notes[1]
    assert "stands 4 times" in found.notes[1]


def test_one_recording_is_not_repeated_without_end(made: Dataset, tmp_path: Path) -> None:
    """Less than the share, where it would be the same recording over and over."""
    _record(tmp_path, "lumen", "me.wav")
    many = [Clip(1, "lumen", "v", "training", f"x{n}", made.clips["training"][0].audio, True)
            for n in range(500)]  # fmt: skip
    clips = [*(clip for split in SPLITS for clip in made.clips[split]), *many]
    large = Dataset("s", LABELS, arrange(clips, LABELS, ""), made.noise, RATE_HZ, RATE_HZ)
    found = beside.add(large, DATA, FeatureSpec(), tmp_path)
    assert sum(not clip.synthetic for clip in found.clips["training"]) == beside.MOST


def test_a_split_that_is_given_stays(made: Dataset, tmp_path: Path) -> None:
    """A recording for validation is there once; other speech is of the unknown class."""
    _record(tmp_path, "lumen", "a.wav")
    _record(tmp_path, "lumen", "b.wav")
    _record(tmp_path, "talk", "c.wav")
    (tmp_path / "own" / "MANIFEST.csv").write_text(
        "path,label,split\nlumen/a.wav,lumen,validation\nlumen/b.wav,lumen,\ntalk/c.wav,talk,\n"
    )
    found = beside.add(made, DATA, FeatureSpec(), tmp_path)
    own = [clip for split in SPLITS for clip in found.clips[split] if not clip.synthetic]
    count = Counter((clip.split, clip.label) for clip in own)
    assert count == {("validation", 1): 1, ("training", 1): 10, ("training", 0): 1}


def test_a_folder_without_the_word_is_no_mistake_in_silence(made: Dataset, tmp_path: Path) -> None:
    """A word under another name would be learned as what must not wake the device."""
    _record(tmp_path, "Lumen!", "a.wav")
    with pytest.raises(DataError, match="no recordings of `lumen`"):
        beside.add(made, DATA, FeatureSpec(), tmp_path)
