from __future__ import annotations

import json
from pathlib import Path

import pytest
from sounds import RATE_HZ, tone

from tinykit.audio import manifest, wav
from tinykit.audio.datasets import folders, listing
from tinykit.audio.manifest import Entry
from tinykit.errors import DataError

ROWS = [
    Entry(path="go/a.wav", label="go", split="training", speaker="anna", duration_s=1.0),
    Entry(path="go/b.wav", label="go", split="testing", speaker="bert", synthetic=True),
    Entry(path="long.wav", label="go", split="training", start_s=1.5, end_s=2.25, sha256="ab"),
]


@pytest.mark.parametrize("name", ["m.csv", "m.json"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    """CSV and JSON keep every column, empty ones included."""
    manifest.write(tmp_path / name, ROWS)
    assert manifest.read(tmp_path / name) == ROWS


def test_other_columns_are_left_alone(tmp_path: Path) -> None:
    """A manifest with columns of its owner's is read; a byte order mark does no harm."""
    (tmp_path / "m.csv").write_text("﻿path,label,licence\na.wav,go,CC0\n", "utf-8")
    assert manifest.read(tmp_path / "m.csv") == [Entry(path="a.wav", label="go")]


HEADER = "path,label,split,speaker,start_s,end_s,duration_s,synthetic\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no rows"),
        (HEADER, "no rows"),
        ("file,label\na.wav,go\n", "row 1: no `path`"),
        (HEADER + "a.wav,,training,,,,,\n", "row 1: no `label`"),
        (HEADER + "../a.wav,go,,,,,,\n", "outside"),
        (HEADER + "a.wav,go,train,,,,,\n", "split is `train`"),
        (HEADER + "a.wav,go,,,x,2,,\n", "start_s is `x`"),
        (HEADER + "a.wav,go,,,nan,2,,\n", "start_s is `nan`"),
        (HEADER + "a.wav,go,,,1,,,\n", "start_s without end_s"),
        (HEADER + "a.wav,go,,,2,1,,\n", "from 2 s to 1 s"),
        (HEADER + "a.wav,go,,,-1,1,,\n", "from -1 s"),
        (HEADER + "a.wav,go,,,1,9,3,\n", "ends at 9 s, the recording at 3 s"),
        (HEADER + "a.wav,go,,,,,,maybe\n", "synthetic is `maybe`"),
        (HEADER + "a.wav,go,,,,,,\na.wav,go,,,,,,\n", "`a.wav` is there twice"),
        (
            HEADER + "a.wav,go,training,anna,,,,\nb.wav,go,testing,anna,,,,\n",
            "speaker `anna` is in the training split and in the testing split",
        ),
        (HEADER + '"a.wav,go\n', "not a manifest"),
    ],
)
def test_a_wrong_manifest_is_named(tmp_path: Path, text: str, says: str) -> None:
    """The message has the file, the row and what is wrong with it."""
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=says) as caught:
        manifest.read(path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("text", ["{}", "[1]", "[", "\xff"])
def test_wrong_json_is_named(tmp_path: Path, text: str) -> None:
    """JSON of another shape, or none at all."""
    (tmp_path / "m.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="not a manifest"):
        manifest.read(tmp_path / "m.json")


def test_nobody_may_be_in_two_splits(tmp_path: Path) -> None:
    """Recordings without a speaker stand for their own: `unknown` is no person."""
    rows = [{"path": f"{s}.wav", "label": "a", "split": s} for s in ("training", "testing")]
    (tmp_path / "m.json").write_text(json.dumps([{**row, "speaker": "unknown"} for row in rows]))
    assert len(manifest.read(tmp_path / "m.json")) == 2


def _long(folder: Path, times: str, name: str = "day") -> Path:
    """A recording of 10 s with a table of times beside it."""
    wav.write(folder / f"{name}.wav", tone(300, 10.0), RATE_HZ)
    (folder / f"{name}.csv").write_text(times)
    return folder


def test_folders_name_labels_and_speakers(tmp_path: Path) -> None:
    """`<label>/<speaker>_nohash_0.wav` and `<label>/<speaker>/x.wav`; other files are left out."""
    for name in (
        "go/anna_nohash_0.wav",
        "go/bert/x.wav",
        "stop/y.wav",
        ".trash/z.wav",
        "loose.wav",
    ):
        wav.write(tmp_path / name, tone(300, 0.1), RATE_HZ)
    (tmp_path / "go" / "notes.txt").write_text("")
    found = [(row.path, row.label, row.speaker) for row in folders.entries(tmp_path)]
    assert found == [
        ("go/anna_nohash_0.wav", "go", "anna"),
        ("go/bert/x.wav", "go", "bert"),
        ("stop/y.wav", "stop", "y.wav"),
    ]


def test_marked_stretches_and_the_gaps_between_them(tmp_path: Path) -> None:
    """A long recording gives its marked words, and what lies between as unknown."""
    root = _long(tmp_path, "start_s,end_s,label,speaker\n6,7,stop,anna\n2,3,go,anna\n")
    found = [(row.label, row.start_s, row.end_s) for row in folders.entries(root)]
    assert found == [
        ("go", 2.0, 3.0),
        ("stop", 6.0, 7.0),
        ("_unknown_", 0.0, 1.75),
        ("_unknown_", 3.25, 5.75),
        ("_unknown_", 7.25, 10.0),
    ]
    assert {row.speaker for row in folders.entries(root)} == {"anna"}


def test_without_a_label_the_folder_names_it(tmp_path: Path) -> None:
    """A wake word's recordings need times only."""
    (tmp_path / "lumen").mkdir()
    _long(tmp_path / "lumen", "start_s,end_s\n2,3\n")
    assert folders.entries(tmp_path)[0].label == "lumen"


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ("begin,end\n1,2\n", "no column end_s and start_s"),
        ("start_s,end_s\n1,x\n", "row 1: end_s is `x`"),
        ("start_s,end_s\n1\n", "row 1: end_s is `None`"),
        ("start_s,end_s\n3,2\n", "from 3 s to 2 s"),
        ("start_s,end_s\n1,2\n9,11\n", "row 2: ends at 11 s, the recording at 10 s"),
        ("start_s,end_s\n1,3\n2,4\n", "at 1 s and 2 s overlap"),
    ],
)
def test_wrong_times_are_named(tmp_path: Path, times: str, says: str) -> None:
    """The message has the table, the row and the values."""
    with pytest.raises(DataError, match=says) as caught:
        folders.entries(_long(tmp_path, times))
    assert "day.csv" in caught.value.message


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    """No recording below a folder, or no folder: an error with its path."""
    with pytest.raises(DataError, match="no recordings"):
        folders.entries(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        folders.entries(tmp_path / "nowhere")


def test_a_manifest_of_a_folder_is_complete(tmp_path: Path) -> None:
    """Splits, durations and checksums are filled in; a speaker has one split."""
    for number in range(40):
        name = f"{('go', 'stop')[number % 2]}/s{number // 4}_nohash_{number}.wav"
        wav.write(tmp_path / name, tone(300 + number, 0.5), RATE_HZ)
    rows = listing.complete(folders.scan(tmp_path), tmp_path, 20.0, 20.0)
    manifest.write(tmp_path / "MANIFEST.csv", rows)
    assert folders.entries(tmp_path) == rows
    assert {row.duration_s for row in rows} == {0.5}
    assert len({row.sha256 for row in rows}) == 40
    assert len({row.split for row in rows}) == 3
    assert len({(row.speaker, row.split) for row in rows}) == 10
