from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sounds import RATE_HZ, tone

from tinykit.audio import datasets, manifest, noise_folders, wav
from tinykit.audio.datasets import SILENCE, UNKNOWN, statistics
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.datasets.recordings import Loudest, Part
from tinykit.audio.manifest import Entry
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS, check_speakers
from tinykit.config import Data
from tinykit.errors import DataError

SPEC = FeatureSpec()


def _load(root: Path, **keys: object) -> Dataset:
    table = {"words": ["go"], "unknown_percent": 50.0, **keys}
    return datasets.load(Data(source="recordings", path=str(root), **table), SPEC)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """Two words by three speakers, one a split, and a manifest that says so."""
    rows = []
    for who, split in zip(("anna", "bert", "cleo"), SPLITS, strict=True):
        for label, hz in (("go", 400), ("stop", 700)):
            path = f"{label}/{who}.wav"
            wav.write(tmp_path / path, tone(hz), RATE_HZ)
            rows.append(Entry(path=path, label=label, split=split, speaker=who, category="words"))
    manifest.write(tmp_path / "MANIFEST.csv", rows)
    return tmp_path


def test_a_manifest_decides_label_split_and_speaker(listed: Path) -> None:
    """A folder with a manifest, or the manifest itself, is read as its rows say."""
    for path in (listed, listed / "MANIFEST.csv"):
        dataset = _load(path)
        for split, who in zip(SPLITS, ("anna", "bert", "cleo"), strict=True):
            found = {(clip.word, clip.speaker) for clip in dataset.clips[split]}
            assert found == {("go", who), ("stop", who), (SILENCE, "")}
    audio = dataset.audio("training")[dataset.targets("training") == 2]
    np.testing.assert_array_equal(audio[0], tone(400))


def test_categories_choose_rows(listed: Path) -> None:
    """Rows of another category are left out; noise by its category is noise."""
    wav.write(listed / "fan.wav", tone(100, 20.0), RATE_HZ)
    rows = manifest.read(listed / "MANIFEST.csv")
    rows += [
        Entry(path="fan.wav", label="fan", category="machines"),
        Entry(path="other.wav", label="go", category="missing"),
    ]
    manifest.write(listed / "MANIFEST.csv", rows)
    dataset = _load(listed, categories=["words"], noise_categories=["machines"])
    assert {clip.word for clip in dataset.clips["training"]} == {"go", "stop", SILENCE}
    assert list(dataset.noise.parts["testing"]) == ["fan.wav"]
    with pytest.raises(DataError, match="category `word`") as caught:
        _load(listed, categories=["word"])
    assert "machines, missing, words" in caught.value.hint


def test_synthetic_rows_are_counted(listed: Path) -> None:
    """The share of synthetic clips comes from the manifest."""
    rows = manifest.read(listed / "MANIFEST.csv")
    marked = [
        Entry(**{**{f: getattr(row, f) for f in row.__struct_fields__}, "synthetic": number < 2})
        for number, row in enumerate(rows)
    ]
    manifest.write(listed / "MANIFEST.csv", marked)
    found = _load(listed, silence_percent=0).statistics()["splits"]
    assert [found[split]["synthetic_share"] for split in SPLITS] == [1.0, 0.0, 0.0]


def test_a_speaker_in_two_splits_is_named() -> None:
    """Wherever the clips come from, this is an error; silence is nobody."""
    check_speakers([("anna", "training"), ("anna", "training"), ("", "testing"), ("", "training")])
    with pytest.raises(DataError, match="`anna` is in the training split and in the testing"):
        check_speakers([("anna", "training"), ("bert", "testing"), ("anna", "testing")])


def test_a_class_without_clips_is_named(listed: Path) -> None:
    """All speakers in one split: the error says how to hold some out."""
    rows = [row for row in manifest.read(listed / "MANIFEST.csv") if row.split == "training"]
    manifest.write(listed / "MANIFEST.csv", rows)
    with pytest.raises(DataError, match="no clip in the validation split") as caught:
        _load(listed)
    assert "validation_speakers_percent" in caught.value.hint


def test_speakers_can_be_held_out_of_training(tmp_path: Path) -> None:
    """Where all rows are of the training split, shares of its speakers go to the other two."""
    rows = []
    for number in range(60):
        path = f"go/{number}.wav"
        wav.write(tmp_path / path, tone(200 + number, 0.1), RATE_HZ)
        rows.append(Entry(path=path, label="go", split="training", speaker=f"s{number // 2}"))
    manifest.write(tmp_path / "MANIFEST.json", rows)
    keys = {"test_speakers_percent": 20.0, "validation_speakers_percent": 20.0}
    dataset = _load(tmp_path, unknown_percent=0, silence_percent=0, **keys)
    sizes = [len(dataset.clips[split]) for split in SPLITS]
    assert sum(sizes) == 60 and min(sizes) >= 4 and all(size % 2 == 0 for size in sizes)


def test_a_class_that_is_not_wanted_is_not_missed(listed: Path) -> None:
    """Without an unknown class, nothing is said about too few clips of it."""
    dataset = _load(listed, unknown_percent=0, silence_percent=0)
    assert dataset.labels == ("go",)
    assert not any("unknown" in note for note in dataset.notes)


def test_a_missing_word_gets_a_suggestion(listed: Path) -> None:
    """The nearest label is named."""
    with pytest.raises(DataError, match="no recordings of `gos`") as caught:
        _load(listed, words=["gos"])
    assert "did you mean `go`" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a recording at all, but some text"])
def test_a_corrupt_recording_is_named(listed: Path, content: bytes) -> None:
    """Empty, truncated, or no recording."""
    (listed / "go" / "anna.wav").write_bytes(content)
    with pytest.raises(DataError, match=r"go/anna\.wav"):
        _load(listed)


def test_a_missing_recording_is_named(listed: Path) -> None:
    """A row whose file is gone."""
    (listed / "go" / "anna.wav").unlink()
    with pytest.raises(DataError, match=r"go/anna\.wav"):
        _load(listed)


def test_a_marked_word_is_in_the_middle_of_its_clip(tmp_path: Path) -> None:
    """Around the time stamps, with what was there before and after; gaps are cut into clips."""
    for number in range(30):
        day = np.zeros(10 * RATE_HZ, np.int16)
        day[int(6.2 * RATE_HZ) : int(6.8 * RATE_HZ)] = 1000
        wav.write(tmp_path / f"day{number}.wav", day, RATE_HZ)
        (tmp_path / f"day{number}.csv").write_text("start_s,end_s,label\n6.2,6.8,go\n")
    dataset = _load(tmp_path, unknown_percent=90.0, silence_percent=0)
    for split in SPLITS:
        audio, targets = dataset.audio(split), dataset.targets(split)
        for clip in audio[targets == 1]:
            assert np.flatnonzero(clip)[[0, -1]] == pytest.approx([3200, 12799], abs=2)
        assert not audio[targets == 0].any()
        assert len({clip.source for clip in dataset.clips[split]}) == len(dataset.clips[split])
    assert "without a speaker" not in "".join(dataset.notes[1:])


def test_parts_are_those_of_the_file(tmp_path: Path) -> None:
    """Any stretch of a recording, zeros where it ends; the hash knows the place."""
    ramp = np.arange(1, 3001, dtype=np.int16)
    wav.write(tmp_path / "a.wav", ramp, RATE_HZ)
    second = 1 / RATE_HZ
    np.testing.assert_array_equal(
        Part(tmp_path / "a.wav", 100 * second).samples(50, RATE_HZ), ramp[100:150]
    )
    edge = Part(tmp_path / "a.wav", -2 * second).samples(5, RATE_HZ)
    assert edge.tolist() == [0, 0, 1, 2, 3]
    assert Part(tmp_path / "a.wav", 2999 * second).samples(3, RATE_HZ).tolist() == [3000, 0, 0]
    assert not Part(tmp_path / "a.wav", 9.0).samples(3, RATE_HZ).any()
    assert Part(tmp_path / "a.wav", 0.0).sha256() != Part(tmp_path / "a.wav", 1.0).sha256()


def test_parts_of_other_formats_are_those_of_the_whole(tmp_path: Path) -> None:
    """A part of a flac, and of a file at another rate, is what the whole has there."""
    soundfile = pytest.importorskip("soundfile")
    samples = (np.random.default_rng(0).standard_normal(RATE_HZ) * 3000).astype(np.int16)
    soundfile.write(tmp_path / "a.flac", samples, RATE_HZ)
    part = wav.read_part(tmp_path / "a.flac", RATE_HZ, 0.5, 800)
    np.testing.assert_array_equal(part, samples[8000:8800])
    wav.write(tmp_path / "b.wav", tone(300, 2.0), 2 * RATE_HZ)
    whole, half = (wav.read_part(tmp_path / "b.wav", RATE_HZ, at, 4000) for at in (0.0, 0.125))
    np.testing.assert_allclose(whole[2100:3900], half[100:1900], atol=2)


def test_the_loudest_clip_of_a_long_recording(tmp_path: Path) -> None:
    """A word somewhere in three seconds ends up inside the clip."""
    recording = np.zeros(3 * RATE_HZ, np.int16)
    recording[30000:36000] = tone(300, 6000 / RATE_HZ)
    wav.write(tmp_path / "a.wav", recording, RATE_HZ)
    heard = np.flatnonzero(Loudest(tmp_path / "a.wav").samples(RATE_HZ, RATE_HZ))
    assert heard[0] > 1000 and heard[-1] < 15000 and heard[-1] - heard[0] > 5900


def test_esc_clips_of_one_origin_stay_together() -> None:
    """Short recordings go to one split as a whole, those of one origin to the same."""
    names = [
        f"{fold}-{origin}-{take}-7.wav" for fold in "12345" for origin in range(20) for take in "AB"
    ]
    noise = noise_folders.share_out({name: np.ones(80000, np.int16) for name in names}, RATE_HZ)
    homes = {name: split for split in SPLITS for name in noise.parts[split]}
    assert len(homes) == 200 and set(homes.values()) == set(SPLITS)
    assert all(homes[name] == homes[name.replace("-A-", "-B-")] for name in names)


def test_long_noise_is_cut_in_time() -> None:
    """Recordings of which every split gets a clip or more are cut, 70 / 15 / 15."""
    noise = noise_folders.share_out({"a.wav": np.ones(10 * RATE_HZ, np.int16)}, RATE_HZ)
    assert [len(noise.parts[split]["a.wav"]) for split in SPLITS] == [112000, 24000, 24000]


def test_one_microphone_of_demand_is_enough(tmp_path: Path) -> None:
    """`ch02` beside `ch01` heard the same; a `ch02` alone is used."""
    for name in ("KITCHEN/ch01", "KITCHEN/ch02", "OFFICE/ch02"):
        wav.write(tmp_path / f"{name}.wav", tone(100, 10.0), RATE_HZ)
    found = noise_folders.load(tmp_path, SPEC).parts["training"]
    assert sorted(found) == ["KITCHEN/ch01.wav", "OFFICE/ch02.wav"]


def test_a_noise_folder_without_recordings_is_named(tmp_path: Path) -> None:
    """Empty, or with nothing but a spark of sound."""
    with pytest.raises(DataError, match="no recordings"):
        noise_folders.load(tmp_path, SPEC)
    wav.write(tmp_path / "a.wav", np.ones(2, np.int16), RATE_HZ)
    with pytest.raises(DataError, match="none of them for the"):
        noise_folders.load(tmp_path, SPEC)


def test_statistics_of_a_folder(listed: Path) -> None:
    """Clips, speakers and seconds by split and class."""
    rows = manifest.read(listed / "MANIFEST.csv")
    found = statistics.count(statistics.of_entries(rows, listed))
    training = found["training"]
    assert (training["clips"], training["speakers"], training["seconds"]) == (2, 1, 2.0)
    assert training["classes"]["go"]["median_s"] == 1.0
    assert statistics.imbalance(training["classes"]) == 1.0


def test_a_changed_file_does_not_pass_verification(listed: Path) -> None:
    """`--verify` compares the checksums of the manifest."""
    rows = [Entry(path="go/anna.wav", label="go", sha256="0" * 64)]
    statistics.of_entries(rows, listed)
    with pytest.raises(DataError, match="SHA-256 differs"):
        statistics.of_entries(rows, listed, verify=True)


@pytest.mark.recorded
def test_the_shared_data_is_read_as_it_is(shared_data: Path) -> None:
    """`../shared/data` by its manifest: the standard task, with 1,500 people apart by split."""
    pytest.importorskip("soundfile")
    dataset = _load(
        shared_data,
        words=["yes", "no", "up", "down", "left", "right", "stop", "go"],
        categories=["keywords"],
        noise_categories=["sc_bg"],
        unknown_percent=10.0,
        test_speakers_percent=10.0,
    )
    assert dataset.labels[:2] == (SILENCE, UNKNOWN) and dataset.notes == ()
    heard = [{clip.speaker for clip in dataset.clips[split]} - {""} for split in SPLITS]
    assert sum(map(len, heard)) == len(set().union(*heard)) > 1000
    assert all(len(dataset.noise.parts[split]) == 6 for split in SPLITS)
