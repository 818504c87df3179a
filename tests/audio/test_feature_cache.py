from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sounds import RATE_HZ, tone

from tinykit.audio import datasets, frontend, wav
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.datasets.feature_cache import FeatureCache
from tinykit.audio.datasets.features import chunks, features
from tinykit.audio.spec import FeatureSpec
from tinykit.config import Augment, Data

SPEC = FeatureSpec()
TABLE = Augment(copies=1)


@pytest.fixture(autouse=True)
def computed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """An empty cache; how many clips the front end was given, call by call."""
    monkeypatch.setenv("TINYKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tinykit.audio.datasets.features._CHUNK", 4)
    calls: list[int] = []
    real = frontend.features

    def counted(samples: np.ndarray, spec: FeatureSpec) -> np.ndarray:
        calls.append(len(samples))
        return real(samples, spec)

    monkeypatch.setattr("tinykit.audio.datasets.features.frontend.features", counted)
    return calls


def _load(words_folder: Path) -> Dataset:
    data = Data(source="speech_commands", path=str(words_folder), words=["stop", "go"])
    return datasets.load(data, SPEC)


def test_a_second_run_computes_nothing(words_folder: Path, computed: list[int]) -> None:
    """The same data and settings come from the cache, byte for byte."""
    first = features(_load(words_folder), SPEC, TABLE)
    assert sum(computed) == 2 * 24 + 12 + 12
    computed.clear()
    again = features(_load(words_folder), SPEC, TABLE)
    assert computed == []
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_an_interrupted_run_is_taken_up_where_it_stopped(
    words_folder: Path, computed: list[int]
) -> None:
    """What was finished before Ctrl-C is not computed again, and the result is the same."""

    def interrupt(what: str, done: int, total: int, **figures: float) -> None:
        if done >= total // 3:
            raise KeyboardInterrupt

    dataset = _load(words_folder)
    with pytest.raises(KeyboardInterrupt):
        features(dataset, SPEC, TABLE, progress=interrupt)
    before = sum(computed)
    computed.clear()
    found = features(dataset, SPEC, TABLE)
    assert before > 0 and sum(computed) <= 72 - before
    clean = frontend.features(dataset.audio("training"), SPEC)
    np.testing.assert_array_equal(found["x_training"][:24], clean)


@pytest.mark.parametrize(
    "change",
    [
        {"table": Augment(copies=1, gain_db=(1.0, 2.0))},
        {"seed": 1},
        {"spec": FeatureSpec(kind="log_mel")},
        {"responses": [np.ones(1)]},
    ],
    ids=["augment", "seed", "spec", "rooms"],
)
def test_other_settings_are_computed_anew(
    words_folder: Path, computed: list[int], change: dict[str, Any]
) -> None:
    """Nothing of another augmentation, seed, front end or room is taken."""
    dataset = _load(words_folder)
    arguments = {"spec": SPEC, "table": TABLE, **change}
    features(dataset, SPEC, TABLE)
    computed.clear()
    features(dataset, **arguments)
    assert sum(computed) == 72


def test_a_changed_recording_is_computed_anew(words_folder: Path, computed: list[int]) -> None:
    """Its chunk, and only its chunk."""
    dataset = _load(words_folder)
    features(dataset, SPEC, TABLE)
    clip = next(clip for clip in dataset.clips["testing"] if clip.word == "go")
    wav.write(words_folder / clip.source, tone(999), RATE_HZ)
    computed.clear()
    found = features(_load(words_folder), SPEC, TABLE)
    assert 0 < sum(computed) < 12
    clean = frontend.features(dataset.audio("testing"), SPEC)
    np.testing.assert_array_equal(found["x_testing"], clean)


def test_a_damaged_piece_is_computed_anew(words_folder: Path, tmp_path: Path) -> None:
    """A truncated file in the cache costs time, not correctness."""
    dataset = _load(words_folder)
    first = features(dataset, SPEC, TABLE)
    for number, path in enumerate(sorted(tmp_path.glob("cache/features/*/*.npy"))):
        path.write_bytes(path.read_bytes()[: (0, 50, 200)[number % 3]])
    again = features(dataset, SPEC, TABLE)
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_one_clip_more_changes_one_chunk(words_folder: Path) -> None:
    """Chunks are by hash: the others keep their members."""
    clips = list(_load(words_folder).clips["training"])

    def sources(members: list[list[int]], of: list[Any]) -> set[tuple[str, ...]]:
        return {tuple(sorted(of[index].source for index in chunk)) for chunk in members}

    more = [*clips, replace(clips[0], source="go/another.wav")]
    assert len(sources(chunks(clips), clips) - sources(chunks(more), more)) <= 1


def test_the_oldest_pieces_go_first() -> None:
    """Trimming keeps what was used last."""
    cache = FeatureCache(["test"])
    piece = np.zeros((1, 1, 100, 1), np.int8)
    keys = [cache.key([(str(number),)]) for number in range(4)]
    for number, key in enumerate(keys):
        cache.put(key, piece)
        os.utime(cache._path(key), (number, number))
    cache.get(keys[0], piece.shape)  # used again just now
    cache.trim(2 * cache._path(keys[0]).stat().st_size)
    assert [cache.get(key, piece.shape) is not None for key in keys] == [True, False, False, True]


def test_a_cache_that_cannot_be_written_does_no_harm(
    words_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the cache folder is a file, features are computed all the same."""
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("TINYKIT_CACHE", str(tmp_path / "blocked"))
    assert len(features(_load(words_folder), SPEC, TABLE)["x_testing"]) == 12
