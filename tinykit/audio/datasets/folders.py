"""Any folder of recordings, as the rows of a manifest.

Three layouts, which may be mixed::

    <label>/<speaker>_nohash_<n>.wav    as Speech Commands has it; any other name is its own speaker
    <label>/<speaker>/<anything>.wav    a folder for each speaker
    <recording>.wav, <recording>.csv    a long recording, and what is said in it when

The table beside a long recording has the columns `start_s`, `end_s` and, where there is more than
one word, `label`; without it the label is the name of the folder. `speaker` may be there too. What
lies between the marked stretches is speech or noise without a wanted word: it becomes rows of the
unknown class.
"""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

from tinykit.audio import manifest, wav
from tinykit.audio.manifest import Entry, check_times
from tinykit.audio.split import speaker
from tinykit.errors import DataError

GAP = "_unknown_"
"""Label of the stretches of a long recording in which no word is marked."""

_MARGIN_S = 0.25
"""Left out of a gap beside a marked word: marks are made by hand."""

_SHORTEST_GAP_S = 0.5


def entries(root: Path) -> list[Entry]:
    """Return the manifest of `root`, read from its file or made from its folders.

    Parameters
    ----------
    root : Path
        A folder, or a manifest.

    Raises
    ------
    DataError
        When there is no recording, or a table of times is wrong.
    """
    if root.is_file():
        return manifest.read(root)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder", "[data] path is a folder or a manifest")
    found = manifest.find(root)
    return manifest.read(found) if found else scan(root)


def scan(root: Path) -> list[Entry]:
    """Return a row for each recording, or marked stretch of one, below `root`."""
    rows: list[Entry] = []
    for file in sorted(root.rglob("*")):
        parts = file.relative_to(root).parts
        if file.suffix.lower() not in wav.SUFFIXES or any(part[0] == "." for part in parts):
            continue
        times = file.with_suffix(".csv")
        if times.is_file():
            rows += _marked(file, times, root)
        elif len(parts) > 1:
            rows.append(_whole(file, parts))
    if not rows:
        raise DataError(
            f"{root}: no recordings",
            f"they lie in a folder named by their label and end in {' or '.join(wav.SUFFIXES)}, "
            "or have a table of times beside them",
        )
    return rows


def _whole(file: Path, parts: tuple[str, ...]) -> Entry:
    return Entry(
        path="/".join(parts),
        label=parts[0],
        # The folders between the label and the file are the speaker's.
        speaker="/".join(parts[1:-1]) or speaker(file.name),
    )


def _marked(file: Path, times: Path, root: Path) -> list[Entry]:
    """Return the marked stretches of a long recording and the gaps between them."""
    duration = wav.info(file).duration_s
    name = file.relative_to(root).as_posix()
    who = name
    rows: list[Entry] = []
    for number, row in enumerate(_table(times), 1):
        where = f"{times}: row {number}"
        start, end = (_seconds(row, key, where) for key in ("start_s", "end_s"))
        check_times(start, end, duration, where)
        label = (row.get("label") or "").strip() or file.parent.name
        who = (row.get("speaker") or "").strip() or name
        rows.append(
            Entry(
                path=name, label=label, speaker=who, duration_s=duration, start_s=start, end_s=end
            )
        )
    rows.sort(key=lambda entry: entry.start_s or 0.0)
    for first, second in pairwise(rows):
        if (second.start_s or 0.0) < (first.end_s or 0.0):
            raise DataError(
                f"{times}: the stretches at {first.start_s:g} s and {second.start_s:g} s overlap"
            )
    return rows + _gaps(rows, name, who, duration)


def _gaps(rows: list[Entry], name: str, who: str, duration_s: float) -> list[Entry]:
    """Return what lies between marked stretches, a margin away from them."""
    begins = [0.0, *((row.end_s or 0.0) + _MARGIN_S for row in rows)]
    ends = [*((row.start_s or 0.0) - _MARGIN_S for row in rows), duration_s]
    return [
        Entry(path=name, label=GAP, speaker=who, duration_s=duration_s, start_s=begin, end_s=end)
        for begin, end in zip(begins, ends, strict=True)
        if end - begin >= _SHORTEST_GAP_S
    ]


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
    except (OSError, ValueError, csv.Error) as reason:
        raise DataError(f"{path}: not a table of times: {reason}") from None
    missing = {"start_s", "end_s"} - set(reader.fieldnames or ())
    if missing:
        raise DataError(
            f"{path}: no column {' and '.join(sorted(missing))}",
            "the table has the columns start_s and end_s, and may have label and speaker",
        )
    return rows


def _seconds(row: dict[str, str], key: str, where: str) -> float:
    try:
        return float(row[key])
    except (TypeError, ValueError):
        raise DataError(f"{where}: {key} is `{row[key]}`, not a number of seconds") from None
