"""Manifests: a table of what is in a folder of recordings, as CSV or JSON.

One row is one recording, or one stretch of a long one. `path` and `label` must be there:

==========  ====================================================================================
path        file, relative to the manifest's folder
label       what is said in it
split       training, validation or testing; empty: the speaker's name decides
speaker     who says it; empty, `none` or `unknown`: nobody knows, and the file stands for its own
category    kind of recording, to choose by: `keywords`, `noise`, ...
duration_s  length of the file in seconds
start_s     where the word begins in a long recording, in seconds; with `end_s`
end_s       where it ends
synthetic   `yes` when the samples were computed rather than recorded
sha256      of the file
==========  ====================================================================================

Other columns are left alone when a manifest is read.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, get_args

import msgspec

from tinykit import paths
from tinykit.audio.split import Split, check_speakers
from tinykit.errors import DataError

NAMES = ("MANIFEST.csv", "manifest.csv", "MANIFEST.json", "manifest.json")
"""Under which a manifest is found in a folder."""

NOBODY = ("", "none", "unknown")
"""Speakers that stand for "nobody knows"."""

_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row; see the module for the columns. Times are None where a row has none."""

    path: str
    label: str
    split: Split | None = None
    speaker: str = ""
    category: str = ""
    duration_s: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    synthetic: bool = False
    sha256: str = ""

    @property
    def source(self) -> str:
        """A name for the row, unique in its manifest."""
        return self.path if self.start_s is None else f"{self.path}@{self.start_s:g}"

    @property
    def voice(self) -> str:
        """The speaker, or the file where nobody knows who speaks."""
        return self.path if self.speaker.lower() in NOBODY else self.speaker


def find(folder: Path) -> Path | None:
    """Return the manifest of a folder, if it has one."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def read(path: Path) -> list[Entry]:
    """Read and check a manifest.

    Raises
    ------
    DataError
        When it cannot be read, a row is wrong (named by its number), a recording is there twice,
        or a speaker is in two splits.
    """
    rows = _rows(path)
    entries = [_entry(row, f"{path}: row {number}") for number, row in enumerate(rows, 1)]
    if not entries:
        raise DataError(f"{path}: no rows", "a manifest has a row for each recording")
    twice = [
        name for name, count in Counter(entry.source for entry in entries).items() if count > 1
    ]
    if twice:
        raise DataError(f"{path}: `{twice[0]}` is there twice")
    try:
        check_speakers((entry.voice, entry.split) for entry in entries if entry.split)
    except DataError as reason:
        raise DataError(f"{path}: {reason.message}", reason.hint) from None
    return entries


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write a manifest, as JSON when `path` ends so, else as CSV; atomically."""
    rows = [msgspec.to_builtins(entry) for entry in entries]
    if path.suffix.lower() == ".json":
        paths.write_text(path, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, Entry.__struct_fields__, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    paths.write_text(path, text.getvalue())


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else value


def _rows(path: Path) -> list[Mapping[str, Any]]:
    """Return the rows of a manifest as they are written."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if path.suffix.lower() != ".json":
            return list(csv.DictReader(io.StringIO(text), strict=True))
        rows = json.loads(text)
    except OSError as reason:
        raise DataError(f"{path}: {reason.strerror or reason}") from None
    except (ValueError, csv.Error) as reason:
        raise DataError(f"{path}: not a manifest: {reason}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: not a manifest: it must be a list of objects")
    return rows


def _entry(row: Mapping[str, Any], where: str) -> Entry:
    """Check one row."""
    for column in ("path", "label"):
        if not _text(row, column):
            raise DataError(f"{where}: no `{column}`", "every row has a path and a label")
    name = PurePosixPath(_text(row, "path"))
    if name.is_absolute() or ".." in name.parts:
        raise DataError(f"{where}: `{name}` lies outside the manifest's folder")
    split = _text(row, "split")
    if split and split not in get_args(Split):
        raise DataError(f"{where}: split is `{split}`", f"use {', '.join(get_args(Split))}")
    synthetic = _text(row, "synthetic").lower()
    if synthetic not in _YES:
        raise DataError(f"{where}: synthetic is `{synthetic}`", "use yes or no")
    duration, start, end = (_number(row, key, where) for key in ("duration_s", "start_s", "end_s"))
    check_times(start, end, duration, where)
    return Entry(
        path=name.as_posix(),
        label=_text(row, "label"),
        split=split or None,  # type: ignore[arg-type]  # checked above
        speaker=_text(row, "speaker"),
        category=_text(row, "category"),
        duration_s=duration,
        start_s=start,
        end_s=end,
        synthetic=_YES[synthetic],
        sha256=_text(row, "sha256"),
    )


def check_times(
    start_s: float | None, end_s: float | None, duration_s: float | None, where: str
) -> None:
    """Raise DataError unless 0 <= start < end <= duration, as far as they are known."""
    if start_s is None and end_s is None:
        return
    if start_s is None or end_s is None:
        raise DataError(f"{where}: start_s without end_s, or the other way round")
    if not 0 <= start_s < end_s:
        raise DataError(f"{where}: from {start_s:g} s to {end_s:g} s is no stretch of time")
    if duration_s is not None and end_s > duration_s + 0.05:  # times are often rounded
        raise DataError(
            f"{where}: ends at {end_s:g} s, the recording at {duration_s:g} s",
            "times are in seconds from the beginning of the file",
        )


def _text(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value).strip()


def _number(row: Mapping[str, Any], column: str, where: str) -> float | None:
    text = _text(row, column)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: {column} is `{text}`, not a number of seconds")
    return value
