from __future__ import annotations

import hashlib
import math
import tarfile
from pathlib import Path

import numpy as np
import pytest
from sounds import RATE_HZ, names, tone

from tinykit.audio import datasets, wav
from tinykit.audio.datasets import SILENCE, UNKNOWN
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS, Split
from tinykit.config import Data
from tinykit.errors import ConfigError, DataError

SPEC = FeatureSpec()


def _load(root: Path, **keys: object) -> Dataset:
    table = {"words": ["stop", "go"], **keys}
    return datasets.load(Data(source="speech_commands", path=str(root), **table), SPEC)


def test_labels_are_in_the_order_of_the_field(words_folder: Path) -> None:
    """Silence, unknown, then the words as the project lists them."""
    assert _load(words_folder).labels == (SILENCE, UNKNOWN, "stop", "go")


def test_a_class_of_zero_percent_is_left_out(words_folder: Path) -> None:
    """Without silence and unknown clips there are no such labels."""
    dataset = _load(words_folder, silence_percent=0.0, unknown_percent=0.0)
    assert dataset.labels == ("stop", "go")
    assert set(dataset.targets("training")) == {0, 1}


@pytest.mark.parametrize("percent", [10.0, 25.0])
def test_silence_and_unknown_are_a_share_of_each_split(words_folder: Path, percent: float) -> None:
    """Each split gets ceil(percent) of its wanted clips as silence and as many unknown ones."""
    dataset = _load(words_folder, silence_percent=percent, unknown_percent=percent)
    for split, wanted in zip(SPLITS, (20, 10, 10), strict=True):
        count = np.bincount(dataset.targets(split), minlength=4)
        extra = math.ceil(wanted * percent / 100)
        assert count.tolist() == [extra, extra, wanted // 2, wanted // 2]


def test_labels_belong_to_the_words(words_folder: Path) -> None:
    """The label of a clip names its folder; unknown clips come from other folders."""
    dataset = _load(words_folder)
    for split in SPLITS:
        for clip in dataset.clips[split]:
            label = dataset.labels[clip.label]
            assert label == clip.word or (label, clip.word) == (UNKNOWN, "tree")
            assert label == SILENCE or clip.source.startswith(f"{clip.word}/{clip.speaker}")


def test_audio_is_that_of_the_clips_in_order(words_folder: Path) -> None:
    """Row i of the audio is the recording of clip i."""
    dataset = _load(words_folder, silence_percent=0.0)
    whole = dataset.audio("validation")
    assert whole.dtype == np.int16 and whole.shape == (11, RATE_HZ)
    for row, clip in zip(whole, dataset.clips["validation"], strict=True):
        np.testing.assert_array_equal(row, wav.read(words_folder / clip.source, RATE_HZ))
    np.testing.assert_array_equal(np.concatenate(list(dataset.batches("validation", 4))), whole)


def test_no_speaker_is_in_two_splits(words_folder: Path) -> None:
    """Also with test speakers held out of training."""
    dataset = _load(words_folder, test_speakers_percent=40.0)
    heard = [{clip.speaker for clip in dataset.clips[split]} - {""} for split in SPLITS]
    assert all(heard)
    assert not heard[0] & heard[1] and not heard[0] & heard[2] and not heard[1] & heard[2]


def test_the_same_seed_repeats_and_another_differs(words_folder: Path) -> None:
    """The same seed gives the same clips and bytes; another draws other silence."""
    first, again, other = (_load(words_folder, seed=seed) for seed in (1, 1, 2))
    assert first.sha256 == again.sha256 != other.sha256
    np.testing.assert_array_equal(first.audio("testing"), again.audio("testing"))
    silent = [
        [d.audio(s)[d.targets(s) == 0].tobytes() for s in SPLITS] for d in (first, again, other)
    ]
    assert silent[0] == silent[1] != silent[2]


def test_a_changed_recording_changes_the_hash(words_folder: Path) -> None:
    """The data set's hash sees content, not only names."""
    before = _load(words_folder).sha256
    wav.write(words_folder / "go" / names("training", 1)[0], tone(999), RATE_HZ)
    assert _load(words_folder).sha256 != before


def test_every_first_part_of_a_split_has_every_class(words_folder: Path) -> None:
    """Rows are interleaved by class, so that a test of a few is a test of all classes."""
    dataset = _load(words_folder, silence_percent=50.0, unknown_percent=50.0)
    assert set(dataset.targets("training")[:4]) == {0, 1, 2, 3}
    half = np.bincount(dataset.targets("training")[:20])
    assert half.tolist() == [5, 5, 5, 5]


def test_short_and_long_recordings_fit_a_clip(words_folder: Path) -> None:
    """A short one ends in zeros; a long one is cut off, which is said."""
    short, long = names("validation", 2)
    wav.write(words_folder / "go" / short, tone(500, seconds=0.5), RATE_HZ)
    wav.write(words_folder / "go" / long, tone(500, seconds=1.5), RATE_HZ)
    dataset = _load(words_folder)
    clips = {clip.source: n for n, clip in enumerate(dataset.clips["validation"])}
    audio = dataset.audio("validation")
    assert not audio[clips[f"go/{short}"]][8000:].any()
    np.testing.assert_array_equal(audio[clips[f"go/{long}"]], tone(500))
    assert dataset.notes == ("1 recordings longer than 1000 ms: the end is cut off",)


def test_resampling_and_mixing_are_said(words_folder: Path) -> None:
    """Another sample rate and stereo are put right and reported."""
    pytest.importorskip("scipy")
    first, second = names("training", 2)
    wav.write(words_folder / "go" / first, tone(500)[:8000], 8000)
    wav.write(words_folder / "go" / second, np.stack([tone(500)] * 2, axis=1), RATE_HZ)
    assert _load(words_folder).notes == (
        "1 recordings mixed from 2 channels to one",
        "1 recordings resampled from 8000 Hz to 16000 Hz",
    )


def test_statistics_count_what_is_there(words_folder: Path) -> None:
    """`data.json` gives clips, classes, speakers and noise per split."""
    statistics = _load(words_folder).statistics()
    assert statistics["labels"] == [SILENCE, UNKNOWN, "stop", "go"]
    training = statistics["splits"]["training"]
    assert training == {
        "clips": 24,
        "classes": {SILENCE: 2, UNKNOWN: 2, "stop": 10, "go": 10},
        "speakers": 10,
        "synthetic_share": 0.0,
        "noise_recordings": 2,
        "noise_seconds": 14.0,
    }


def test_a_corrupt_recording_is_named(words_folder: Path) -> None:
    """An empty file among the clips is a DataError with its path."""
    name = names("training", 1)[0]
    (words_folder / "go" / name).write_bytes(b"")
    with pytest.raises(DataError, match=f"go/{name}"):
        _load(words_folder)


def test_a_missing_word_is_named_with_a_suggestion(words_folder: Path) -> None:
    """A word without a folder says which folders there are."""
    with pytest.raises(DataError, match="`stopp`") as caught:
        _load(words_folder, words=["stopp", "go"])
    assert "did you mean `stop`?" in caught.value.hint


def test_an_empty_word_folder_is_named(words_folder: Path) -> None:
    """A folder without recordings is as good as none."""
    (words_folder / "left").mkdir()
    with pytest.raises(DataError, match="no recordings of `left`"):
        _load(words_folder, words=["left", "go"])


def test_a_class_without_clips_in_a_split_is_named(words_folder: Path) -> None:
    """A set without test speakers says which class and split, and how to hold speakers out."""
    for name in names("testing", 5):
        (words_folder / "go" / name).unlink()
    with pytest.raises(DataError, match="`go` has no clip in the testing split") as caught:
        _load(words_folder)
    assert "test_speakers_percent" in caught.value.hint
    assert _load(words_folder, test_speakers_percent=50.0).clips["testing"]


def test_too_few_unknown_clips_are_said(words_folder: Path) -> None:
    """Where there are not enough other words, all are used and the count is noted."""
    dataset = _load(words_folder, unknown_percent=90.0)
    assert "training: 10 clips of unknown words, 18 wanted" in dataset.notes


def test_training_can_have_more_unknown_clips(words_folder: Path) -> None:
    """`unknown_training_percent` is for the training split alone."""
    usual = _load(words_folder, unknown_percent=10.0)
    more = _load(words_folder, unknown_percent=10.0, unknown_training_percent=40.0)

    def count(dataset: Dataset, split: Split) -> int:
        return sum(clip.label == 1 for clip in dataset.clips[split])

    assert count(more, "training") > count(usual, "training")
    assert count(more, "validation") == count(usual, "validation")
    assert count(more, "testing") == count(usual, "testing")


def test_unknown_words_can_be_chosen(words_folder: Path) -> None:
    """`unknown_words` limits the unknown class to those words."""
    wav.write(words_folder / "bird" / names("training", 1)[0], tone(50), RATE_HZ)
    dataset = _load(words_folder, unknown_words=["tree"], unknown_percent=90.0)
    assert {clip.word for split in SPLITS for clip in dataset.clips[split]} == {
        SILENCE,
        "stop",
        "go",
        "tree",
    }


def test_without_noise_recordings_noise_is_synthesized_and_said(words_folder: Path) -> None:
    """A set without `_background_noise_` works, and says where its noise is from."""
    for file in (words_folder / "_background_noise_").iterdir():
        file.unlink()
    dataset = _load(words_folder)
    assert dataset.notes == ("no _background_noise_: background noise is synthesized",)
    assert dataset.statistics()["splits"]["training"]["synthetic_share"] == pytest.approx(2 / 24)


def test_noise_of_another_folder(words_folder: Path, tmp_path: Path) -> None:
    """`noise_path` replaces the set's noise by recordings anywhere below that folder."""
    wav.write(tmp_path / "rooms" / "kitchen" / "tap.wav", tone(100, seconds=4), RATE_HZ)
    dataset = _load(words_folder, noise_path=str(tmp_path / "rooms"))
    assert set(dataset.noise.parts["testing"]) == {"kitchen/tap.wav"}
    with pytest.raises(DataError, match="nowhere"):
        _load(words_folder, noise_path=str(tmp_path / "nowhere"))


def test_relative_paths_begin_at_the_project(words_folder: Path) -> None:
    """`path` is relative to the folder of tinykit.toml."""
    data = Data(source="speech_commands", path="words", words=["go"])
    assert datasets.load(data, SPEC, words_folder.parent).clips["training"]


def test_other_files_are_no_recordings(words_folder: Path) -> None:
    """Lists, licences and the hidden files of other systems are passed over."""
    before = len(_load(words_folder).clips["training"])
    (words_folder / "README.md").write_text("words")
    (words_folder / "go" / "list.txt").write_text("words")
    (words_folder / "go" / "._a_nohash_0.wav").write_bytes(b"")
    assert len(_load(words_folder).clips["training"]) == before


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong path is a DataError with the path."""
    with pytest.raises(DataError, match="gone: no such folder"):
        _load(tmp_path / "gone")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"words": ["go", "go"]}, "`go` is there twice"),
        ({"words": ["_silence_"]}, "cannot be a word"),
        ({"words": ["../go"]}, "cannot be a word"),
        ({"unknown_words": ["go"]}, "in words and in unknown_words"),
        ({"path": ""}, "needs path or url"),
        ({"url": "http://x"}, "both path and url"),
        ({"path": "", "url": "http://x"}, "checksum"),
    ],
)
def test_contradictions_are_said(words_folder: Path, keys: dict, said: str) -> None:
    """Keys that do not go together are a ConfigError."""
    data = Data(source="speech_commands", **{"path": str(words_folder), "words": ["go"], **keys})
    with pytest.raises(ConfigError, match=said):
        datasets.load(data, SPEC)


def test_an_archive_that_wraps_a_folder_is_read(
    words_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetched archive is used from the cache; one folder around everything does not matter."""
    archive = tmp_path / "set.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(words_folder, "speech_commands_v9")
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setenv("TINYKIT_CACHE", str(tmp_path / "cache"))
    archive.rename(
        (tmp_path / "cache" / "downloads").mkdir(parents=True)
        or tmp_path / "cache" / "downloads" / f"{sha256}.tar.gz"
    )
    data = Data(source="speech_commands", url="http://127.0.0.1:1/x", sha256=sha256, words=["go"])
    assert len(datasets.load(data, SPEC).clips["training"]) == 12
