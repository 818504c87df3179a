from __future__ import annotations

from collections import Counter

import pytest

from tinykit.audio.seeded import fraction, generator
from tinykit.audio.split import SPLITS, assign, official, speaker


@pytest.mark.parametrize(
    ("name", "split"),
    [
        # sha1("a") ends in 77667b8; 0x77667b8 of 2**27 - 1 is 93.3 percent.
        ("a_nohash_0.wav", "training"),
        # sha1("b") ends in a1975f98; 0x1975f98 is (2**27 - 1) * 0.157.
        ("b_nohash_0.wav", "testing"),
        # Of the published set, as its own lists have them.
        ("0d82fd99_nohash_0.flac", "validation"),
        ("1657c9fa_nohash_0.flac", "validation"),
        ("23add12a_nohash_0.flac", "training"),
        ("7213ed54_nohash_3.flac", "training"),
    ],
)
def test_official_split_of_known_files(name: str, split: str) -> None:
    """The hash split agrees with values worked out by hand and with the published set."""
    assert official(name) == split


def test_official_split_takes_the_name_before_nohash() -> None:
    """Every recording of a speaker is in one split, whatever its number and format."""
    assert speaker("0d82fd99_nohash_12.flac") == "0d82fd99"
    kept = {official(f"0d82fd99_nohash_{n}.{kind}") for n in range(9) for kind in ("wav", "flac")}
    assert kept == {"validation"}


def test_official_split_shares() -> None:
    """About 10 percent of speakers are in validation and 10 in testing."""
    count = Counter(official(f"{number:08x}_nohash_0.wav") for number in range(20_000))
    assert {split: round(count[split] / 200) for split in SPLITS} == {
        "training": 80,
        "validation": 10,
        "testing": 10,
    }


def test_hold_out_takes_from_training_only() -> None:
    """Held-out test speakers come from training; validation and testing keep theirs."""
    names = [f"{number:08x}_nohash_0.wav" for number in range(5_000)]
    moved = [name for name in names if assign(name, 25.0, 0) != official(name)]
    assert {official(name) for name in moved} == {"training"}
    assert {assign(name, 25.0, 0) for name in moved} == {"testing"}
    assert len(moved) / (0.8 * len(names)) == pytest.approx(0.25, abs=0.03)


def test_hold_out_is_by_speaker() -> None:
    """All recordings of a speaker stay together when test speakers are held out."""
    for number in range(500):
        name = f"{number:08x}"
        assert len({assign(f"{name}_nohash_{n}.wav", 40.0, 3) for n in range(5)}) == 1


def test_hold_out_depends_on_the_seed() -> None:
    """Another seed holds out other speakers; zero percent holds out none."""
    names = [f"{number:08x}_nohash_0.wav" for number in range(2_000)]
    first = {name for name in names if assign(name, 10.0, 0) == "testing"}
    second = {name for name in names if assign(name, 10.0, 1) == "testing"}
    assert first != second
    assert all(assign(name, 0.0, 0) == official(name) for name in names)


def test_seeded_draws_depend_on_the_whole_key() -> None:
    """Keys that differ in a part, its type or its cut give other draws; the same key the same."""
    keys = [("a", 1), ("a", 2), ("a", "1"), ("a1",), ("a", 1, 0)]
    assert len({fraction(*key) for key in keys}) == len(keys)
    assert generator("a", 1).integers(2**60) == generator("a", 1).integers(2**60)
    assert generator("a", 1).integers(2**60) != generator("a", 2).integers(2**60)
