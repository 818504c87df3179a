"""Golden vectors: what the device has to give, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tinykit.errors import DataError


@dataclass(frozen=True)
class Vectors:
    """Golden vectors (`vectors.npz`).

    x : int8 (N, *input shape);  y : int8 (N, *output shape);  labels : int32 (N,) or None;
    audio : int16 (M, clip_samples) or None, which gave the first M rows of `x`;
    features : int8 (M, frames, width) or None, what `audio` gives where `x` is something else: the
    hops of a stream, or inputs that no front end made.

    Of a model with several inputs or outputs, a row holds the bytes of all, one after the other.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    labels: NDArray[np.int32] | None = None
    audio: NDArray[np.int16] | None = None
    features: NDArray[np.int8] | None = None

    @classmethod
    def load(cls, path: Path) -> Vectors:
        """Read `vectors.npz`.

        Raises
        ------
        DataError
            When it is missing, corrupt, or its arrays do not fit together.
        """
        try:
            with path.open("rb") as opened, np.load(opened) as file:
                arrays = {name: file[name] for name in ("x", "y")}
                arrays |= {name: file[name] for name in ("labels", "audio") if name in file}
        except FileNotFoundError:
            raise DataError(f"{path}: no such file", "make it: tinykit quantize") from None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as reason:
            raise DataError(f"{path}: not golden vectors: {reason}", "tinykit quantize") from None
        vectors = cls(**arrays)
        vectors.check(str(path))
        return vectors

    def check(self, name: str = "vectors") -> None:
        """Raise `DataError` when the arrays do not fit together."""
        rows = len(self.x)
        labels = rows if self.labels is None else len(self.labels)
        audio = 0 if self.audio is None else len(self.audio)
        made = rows if self.features is None else len(self.features)
        if not rows or len(self.y) != rows or labels != rows or audio > made:
            raise DataError(
                f"{name}: {rows} inputs, {len(self.y)} outputs, {labels} labels, {audio} clips",
                "each input needs its output and label, and clips belong to the first inputs; "
                "make them again: tinykit quantize",
            )


def parts(row: NDArray[Any], sizes: Sequence[int]) -> list[NDArray[np.int8]]:
    """Return the bytes of each tensor of a row, int8 (size,), which has all of them in order."""
    raw = np.frombuffer(np.ascontiguousarray(row).tobytes(), np.int8)
    return np.split(raw, np.cumsum(sizes)[:-1])
