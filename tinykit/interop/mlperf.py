"""Inputs in the layout of MLPerf Tiny's runner: a file of raw bytes for each, and their classes.

`y_labels.csv` has a row for each file beside it, without a header: name, number of classes, class
(`tst_000000_Stop_7.bin,12,7`). The bytes are the model's input as they are (kws01: 490 int8).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.errors import DataError

_HINT = "rows of `file,number of classes,class`, as in MLPerf Tiny's y_labels.csv"


@dataclass(frozen=True)
class Labelled:
    """Inputs (N, *shape) with their classes, int32 (N,)."""

    x: NDArray[Any]
    labels: NDArray[np.int32]
    classes: int


def read(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Labelled:
    """Read the inputs that a table of classes lists.

    Parameters
    ----------
    path : Path
        `y_labels.csv`; the files are beside it.
    shape, dtype :
        Of one input of the model.

    Raises
    ------
    DataError
        When a file is missing or of another size, or a row is wrong.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as reason:
        raise DataError(f"{path}: {reason}", _HINT) from None
    if not rows:
        raise DataError(f"{path}: no rows", _HINT)
    size = int(np.prod(shape)) * dtype.itemsize
    x, labels, classes = [], [], 0
    for number, row in rows:
        where = f"{path}, line {number}"
        try:
            name, count, label = row[0].strip(), int(row[1]), int(row[2])
        except (ValueError, IndexError):
            raise DataError(f"{where}: {','.join(row)[:80]!r}", _HINT) from None
        if not 0 <= label < count or (classes and count != classes):
            raise DataError(f"{where}: class {label} of {count}", _HINT)
        classes = count
        labels.append(label)
        x.append(_tensor(path.parent / name, size, where, dtype))
    return Labelled(np.stack(x).reshape(len(x), *shape), np.array(labels, np.int32), classes)


def _tensor(path: Path, size: int, where: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        raw = path.read_bytes()
    except OSError as reason:
        raise DataError(f"{where}: {path}: {reason.strerror or reason}", _HINT) from None
    if len(raw) != size:
        raise DataError(
            f"{where}: {path.name} has {len(raw):,} B, the model's input {size:,} B",
            "inputs of another benchmark, or another model?",
        )
    return np.frombuffer(raw, dtype)
