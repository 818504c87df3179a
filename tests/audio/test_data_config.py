from __future__ import annotations

from pathlib import Path

import pytest

from tinykit import config
from tinykit.errors import ConfigError

PROJECT = '[project]\nname = "a"\ntask = "keyword-spotting"\nboard = "b"\n'


def _load(folder: Path, text: str) -> config.Config:
    (folder / config.FILE).write_text(PROJECT + text)
    return config.load(folder)


@pytest.mark.parametrize(
    ("table", "line", "key"),
    [
        ("data", "silence_percent = -1.0", "silence_percent"),
        ("data", "unknown_percent = 20_000.0", "unknown_percent"),
        ("data", "test_speakers_percent = 95.0", "test_speakers_percent"),
        ("data", "words = []", "words"),
        ("data", "voices = 2", "voices"),
        ("data", "clips_per_word = 3", "clips_per_word"),
        ("data", 'sha256 = "abc"', "sha256"),
        ("augment", "noise_probability = 1.5", "noise_probability"),
        ("augment", "copies = -1", "copies"),
        ("augment", "time_shift_ms = -5", "time_shift_ms"),
        ("augment", "gain_db = [3.0, -3.0]", "gain_db"),
        ("augment", "noise_snr_db = [20.0, 0.0]", "noise_snr_db"),
        ("augment", "speed = [0.0, 1.0]", "speed"),
        ("augment", "speed = [1.1, 0.9]", "speed"),
        ("augment", "pitch_semitones = [-30.0, 0.0]", "pitch_semitones"),
        ("augment", "room_probability = 2.0", "room_probability"),
        ("augment", "room_t60_ms = [0.0, 300.0]", "room_t60_ms"),
        ("train", "frequency_mask = -1", "frequency_mask"),
        ("train", "mix_up = -0.1", "mix_up"),
        ("compile", "phases = true", "stream = true"),
    ],
)
def test_values_out_of_range_are_named(tmp_path: Path, table: str, line: str, key: str) -> None:
    """A value that makes no sense is a ConfigError with the key."""
    with pytest.raises(ConfigError, match=key):
        _load(tmp_path, f"[{table}]\n{line}\n")


def test_a_mistyped_key_gets_a_suggestion(tmp_path: Path) -> None:
    """The nearest key of the table is suggested."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, "[data]\ntest_speaker_percent = 10.0\n")
    assert "`test_speakers_percent`" in caught.value.hint


@pytest.mark.parametrize(
    ("wrong", "meant"), [("room_t60", "room_t60_ms"), ("pitch_semitone", "pitch_semitones")]
)
def test_a_mistyped_augmentation_gets_a_suggestion(tmp_path: Path, wrong: str, meant: str) -> None:
    """Every key of the table is a candidate."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, f"[augment]\n{wrong} = [0.0, 1.0]\n")
    assert f"did you mean `{meant}`" in caught.value.hint


def test_defaults_need_no_tables(tmp_path: Path) -> None:
    """A project of three keys gets the synthetic data set."""
    data = _load(tmp_path, "").data
    assert data.source == "synthetic" and len(data.words) == 8
