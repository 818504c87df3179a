"""`features.npz` in memory: what the front end made of the data set, checked."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.spec import FeatureSpec
from tinykit.errors import DataError

Split = Literal["training", "validation", "testing"]


@dataclass(frozen=True)
class Features:
    """Features and classes per split.

    x : split -> int8 (N, frames, width);  y : split -> int32 (N,), indices into `labels`;
    audio : int16 (M, clip_samples), the clips of the first M rows of x["testing"].
    """

    spec: FeatureSpec
    labels: tuple[str, ...]
    x: dict[Split, NDArray[np.int8]]
    y: dict[Split, NDArray[np.int32]]
    audio: NDArray[np.int16] = field(default_factory=lambda: np.zeros((0, 0), np.int16))

    def real(self, split: Split) -> NDArray[np.float32]:
        """Return the float network's input: float32 (N, frames, width, 1)."""
        return to_real(self.x[split], self.spec)


def to_real(x: NDArray[np.int8], spec: FeatureSpec) -> NDArray[np.float32]:
    """Return int8 (N, frames, width) as float32 (N, frames, width, 1): (x - zero point) * scale."""
    return ((x.astype(np.float32) - spec.zero_point) * np.float32(spec.scale))[..., None]


def load(path: Path, spec: FeatureSpec) -> Features:
    """Read and check `features.npz`.

    Raises
    ------
    DataError
        When the file is missing, damaged, made for other features, has a class out of range or
        no training or validation clips.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", "run `tinykit train` first") from None
    except (OSError, ValueError, zipfile.BadZipFile) as reason:
        raise DataError(f"{path}: damaged: {reason}", "delete it and train again") from None
    return from_arrays(arrays, spec, str(path))


def from_arrays(arrays: dict[str, NDArray[Any]], spec: FeatureSpec, where: str) -> Features:
    """Check the arrays of a `features.npz`; `where` names their origin in errors."""
    splits: tuple[Split, ...] = get_args(Split)
    missing = {"labels"} | {f"{a}_{s}" for a in "xy" for s in splits}
    missing -= set(arrays)
    if missing:
        raise DataError(f"{where}: lacks {', '.join(sorted(missing))}")
    labels = tuple(str(label) for label in arrays["labels"])
    x: dict[Split, NDArray[np.int8]] = {}
    y: dict[Split, NDArray[np.int32]] = {}
    for split in splits:
        x[split], y[split] = arrays[f"x_{split}"], arrays[f"y_{split}"]
        shape = (len(y[split]), spec.frames, spec.width)
        if x[split].shape != shape or x[split].dtype != np.int8:
            raise DataError(
                f"{where}: x_{split} is {x[split].dtype} {x[split].shape}, not int8 {shape}",
                "it was made with another [features] table: train again",
            )
        if y[split].size and not (y[split].min() >= 0 and y[split].max() < len(labels)):
            raise DataError(f"{where}: y_{split} has a class outside 0..{len(labels) - 1}")
    for split in splits[:2]:
        if not len(y[split]):
            raise DataError(f"{where}: the {split} split has no clips", "add data or voices")
    audio = arrays.get("audio_testing", np.zeros((0, spec.clip_samples), np.int16))
    return Features(spec, labels, x, y, audio)
