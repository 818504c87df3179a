from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sounds import RATE_HZ, tone
from test_tts import SPEAK

pytest.importorskip("espeakng_loader", reason="the synth extra (espeak-ng) is not installed")
pytest.importorskip("scipy")

from tinykit.audio import datasets, manifest, microphone, wav
from tinykit.audio.datasets import generation, own_voice
from tinykit.audio.datasets.generation import (
    NEAR_MISS,
    OTHER,
    SPEECH,
    Settings,
    Synthesis,
    slug,
    synthesize,
)
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS
from tinykit.config import Data
from tinykit.errors import ConfigError, DataError, ToolError

SMALL = Settings(word="hey lumen", clips=30, near_misses=10, others=10, phrases=6)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Synthesis]:
    """A small set, spoken once."""
    folder = tmp_path_factory.mktemp("synth") / "lumen"
    return folder, synthesize(SMALL, folder)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_every_clip_is_listed_and_marked(made: tuple[Path, Synthesis]) -> None:
    """The manifest has all files, their checksums, and says that they are synthetic."""
    folder, found = made
    rows = manifest.read(folder / "MANIFEST.csv")
    assert rows == found.entries and all(row.synthetic for row in rows)
    assert {row.path for row in rows} == {name for name in _files(folder) if name.endswith("wav")}
    counts = {
        label: sum(row.label == label for row in rows) for label in ("hey lumen", NEAR_MISS, OTHER)
    }
    assert counts == {"hey lumen": 29, NEAR_MISS: 11, OTHER: 11}
    assert {row.split for row in rows} == set(SPLITS)
    assert all(np.abs(wav.read(folder / row.path, RATE_HZ)).max() > 100 for row in rows[:10])


def test_the_same_settings_give_the_same_bytes(
    made: tuple[Path, Synthesis], tmp_path: Path
) -> None:
    """After an interruption as well: what was there stays, the rest is as it would have been."""
    folder, _ = made

    def interrupt(what: str, done: int, total: int, **figures: float) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(SMALL, tmp_path / "again", interrupt)
    assert len(list(tmp_path.rglob("*.wav"))) == 10
    synthesize(SMALL, tmp_path / "again")
    assert _files(tmp_path / "again") == _files(folder)


def test_other_settings_need_another_folder(made: tuple[Path, Synthesis]) -> None:
    """A folder is of one seed and one word."""
    with pytest.raises(DataError, match="other settings"):
        synthesize(msgspec.structs.replace(SMALL, seed=1), made[0])


def test_the_set_trains(made: tuple[Path, Synthesis]) -> None:
    """As a project reads it: the word, what sounds like it as unknown, and silence."""
    data = Data(source="recordings", path=str(made[0]), words=["hey lumen"], unknown_percent=90.0)
    dataset = datasets.load(data, FeatureSpec())
    assert dataset.labels[2] == "hey lumen"
    assert {clip.word for clip in dataset.clips["training"]} >= {"hey lumen", NEAR_MISS, OTHER}
    shares = dataset.statistics()["splits"]
    assert [shares[split]["synthetic_share"] for split in SPLITS] == [1.0, 1.0, 1.0]


def test_a_word_too_long_for_its_clip_is_said(tmp_path: Path) -> None:
    """With how long it takes, and what to do."""
    long = Settings(word="supercalifragilisticexpialidocious", clip_ms=300)
    with pytest.raises(ConfigError, match="a clip has 300 ms"):
        synthesize(long, tmp_path)


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A program that speaks, as `test_tts` has it."""
    (tmp_path / "speak.py").write_text(SPEAK)
    return f"{sys.executable} {tmp_path / 'speak.py'} {{voice}} {{out}}"


def test_another_program_speaks(tmp_path: Path, program: str) -> None:
    """Its voices are shared out, and near misses are words: it knows no phonemes."""
    few = msgspec.structs.replace(SMALL, clips=20, near_misses=10, others=0)
    settings = msgspec.structs.replace(few, command=program, voices=["a", "b", "c", "d"])
    found = synthesize(settings, tmp_path / "out")
    assert all(row.synthetic for row in found.entries)
    homes = {row.speaker: row.split for row in found.entries}
    assert len(homes) == 4 and set(homes.values()) == set(SPLITS)
    assert not any("[[" in one.text for one in found.near_misses) and found.accents == []


def test_one_voice_is_for_training(tmp_path: Path, program: str) -> None:
    """A voice cannot be in two splits."""
    few = msgspec.structs.replace(SMALL, clips=20, near_misses=0, others=0)
    settings = msgspec.structs.replace(few, command=program, voices=["a"])
    assert {row.split for row in synthesize(settings, tmp_path / "o").entries} == {"training"}
    with pytest.raises(ConfigError, match="needs voices"):
        synthesize(msgspec.structs.replace(settings, voices=[]), tmp_path / "p")


def test_a_failed_attempt_leaves_nothing_behind(tmp_path: Path) -> None:
    """A word without a sound does not claim the folder for its settings."""
    with pytest.raises(ConfigError, match="no sound"):
        synthesize(Settings(word="..."), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_names_of_files() -> None:
    """Letters and digits stay; what a file system may dislike does not."""
    assert slug("Hey, Lumen!") == "hey_lumen" and slug("../a b") == "a_b" and slug("?") == "sound"


@dataclass
class FakeSound:
    """What `sounddevice` is to us: a device that plays `heard` into the microphone."""

    heard: np.ndarray | None
    asked: dict = field(default_factory=dict)
    PortAudioError: type = RuntimeError

    def rec(self, frames: int, **settings: object) -> np.ndarray:
        """Record, as the real one does."""
        self.asked = {"frames": frames, **settings}
        if self.heard is None:
            raise self.PortAudioError("Error querying device -1")
        return self.heard[:frames, None]


def _plug(monkeypatch: pytest.MonkeyPatch, heard: np.ndarray | None) -> FakeSound:
    fake = FakeSound(heard)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)  # type: ignore[arg-type]
    return fake


def test_a_microphone_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One channel of 16 bits, as many samples as asked for."""
    fake = _plug(monkeypatch, tone(300, 3.0))
    np.testing.assert_array_equal(microphone.record(2.0, RATE_HZ), tone(300, 2.0))
    assert (fake.asked["channels"], fake.asked["samplerate"]) == (1, RATE_HZ)


def test_without_a_microphone_the_hint_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    """No device, no package, no library of the package: three errors with what to do."""
    _plug(monkeypatch, None)
    with pytest.raises(ToolError, match="no microphone can be used: Error querying"):
        microphone.record(1.0, RATE_HZ)
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ToolError, match="sounddevice") as caught:
        microphone.record(1.0, RATE_HZ)
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize(
    ("samples", "says"),
    [(np.zeros(100, np.int16), "silent"), (np.full(9, -32768, np.int16), "overdriven")],
)
def test_a_useless_recording_is_refused(samples: np.ndarray, says: str) -> None:
    """Muted or overdriven."""
    microphone.check(tone(300))
    with pytest.raises(DataError, match=says):
        microphone.check(samples)


def test_own_recordings_join_the_synthetic_ones(tmp_path: Path) -> None:
    """In the same manifest, not marked synthetic, and kept when speech is synthesized again."""
    settings = msgspec.structs.replace(SMALL, clips=20, near_misses=0, others=0)
    synthesize(settings, tmp_path)
    for _ in range(2):
        own_voice.add(tmp_path, "hey lumen", "Me", tone(300), RATE_HZ)
    rows = manifest.read(tmp_path / "MANIFEST.csv")
    mine = [row for row in rows if not row.synthetic]
    assert [row.path for row in mine] == ["hey_lumen/me_nohash_0.wav", "hey_lumen/me_nohash_1.wav"]
    assert mine[0].duration_s == 1.0 and len(mine[0].sha256) == 64
    again = synthesize(settings, tmp_path)
    assert [row for row in again.entries if not row.synthetic] == mine


def test_sentences_are_other_speech(tmp_path: Path) -> None:
    """Some seconds each, most of them to be tested with, none of them with the wake word."""
    settings = msgspec.structs.replace(SMALL, clips=20, near_misses=0, others=0, sentences=20)
    found = synthesize(settings, tmp_path)
    spoken = [row for row in found.entries if row.label == SPEECH]
    assert [sum(row.split == split for row in spoken) for split in SPLITS] == [6, 5, 9]
    assert all(1.5 < wav.info(tmp_path / row.path).duration_s < 20.0 for row in spoken)
    texts = {generation._sentence(settings, "testing", number) for number in range(50)}
    assert len(texts) == 50
    assert all(6 <= len(text.split()) <= 14 and "hey" not in text.split() for text in texts)


def test_a_speaker_stays_in_a_split(tmp_path: Path) -> None:
    """The same person recorded for another split is refused before anything is written."""
    own_voice.add(tmp_path, "go", "anna", tone(300), RATE_HZ)
    with pytest.raises(DataError, match="speaker `anna`"):
        own_voice.add(tmp_path, "go", "anna", tone(300), RATE_HZ, "testing")
    assert len(list(tmp_path.rglob("*.wav"))) == 1
    with pytest.raises(ConfigError, match="name of who"):
        own_voice.add(tmp_path, "go", "unknown", tone(300), RATE_HZ)
