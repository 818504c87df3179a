"""What was said in a recording, and when: a CSV file beside it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tinykit import paths
from tinykit.errors import DataError

COLUMNS = ("start_s", "end_s", "label", "snr_db", "speaker")
"""The last two may be left out, or empty."""

_HINT = "a CSV with the header start_s,end_s,label and, where known, snr_db,speaker"


@dataclass(frozen=True, order=True)
class Event:
    """A word in a recording: from `start_s` to `end_s`, said by whom, over which noise."""

    start_s: float
    end_s: float
    label: str
    snr_db: float | None = None
    speaker: str = ""


def read(path: Path, word: str = "") -> list[Event]:
    """Read the events of a recording, in order of time.

    Parameters
    ----------
    path : Path
        A CSV file, or JSON as MLPerf Tiny's streaming wake word has it: a list of `[start_s,
        end_s]`, all of `word`.

    Raises
    ------
    DataError
        When the file cannot be read, a column is missing or unknown, or a value is wrong.
    """
    if path.suffix == ".json":
        return _windows(path, word)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            header = tuple(reader.fieldnames or ())
            if set(COLUMNS[:3]) - set(header) or set(header) - set(COLUMNS):
                raise DataError(f"{path}: columns are {', '.join(header) or 'missing'}", _HINT)
            return sorted((_event(path, reader.line_num, row) for row in reader), key=_time)
    except (OSError, UnicodeDecodeError, csv.Error) as reason:
        raise DataError(f"{path}: {reason}", _HINT) from None


def write(path: Path, events: Iterable[Event]) -> None:
    """Write the events of a recording, atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for event in events:
        snr = "" if event.snr_db is None else event.snr_db
        writer.writerow((event.start_s, event.end_s, event.label, snr, event.speaker))
    paths.write_text(path, text.getvalue())


def _windows(path: Path, word: str) -> list[Event]:
    """Return the events of a list of windows."""
    hint = "a JSON list of [start_s, end_s], one for each time the wake word is said"
    try:
        pairs = msgspec.json.decode(path.read_bytes(), type=list[tuple[float, float]])
    except (OSError, msgspec.MsgspecError) as reason:
        raise DataError(f"{path}: {reason}", hint) from None
    if not word:
        raise DataError(f"{path}: says of no word which it is", "a CSV has a column `label`")
    for start_s, end_s in pairs:
        if not 0 <= start_s < end_s:
            raise DataError(f"{path}: from {start_s:g} s to {end_s:g} s", hint)
    return sorted(Event(start_s, end_s, word) for start_s, end_s in pairs)


def _time(event: Event) -> tuple[float, float]:
    return event.start_s, event.end_s


def _event(path: Path, line: int, row: dict[str, str | None]) -> Event:
    where = f"{path}, line {line}"
    start_s, end_s = (_number(where, row, name) for name in ("start_s", "end_s"))
    label = (row["label"] or "").strip()
    if not label:
        raise DataError(f"{where}: no label", _HINT)
    if not 0 <= start_s < end_s:
        raise DataError(f"{where}: {label!r} goes from {start_s:g} s to {end_s:g} s", _HINT)
    snr = _number(where, row, "snr_db") if row.get("snr_db") else None
    return Event(start_s, end_s, label, snr, (row.get("speaker") or "").strip())


def _number(where: str, row: dict[str, str | None], name: str) -> float:
    try:
        value = float(row[name] or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: {name} is {row[name]!r}, not a number", _HINT)
    return value
