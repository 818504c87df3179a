"""Noisy recordings for the device: those of the quantize stage, or sounds made here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.stft_spec import StftSpec
from tinykit.errors import DataError
from tinykit.pipeline import files
from tinykit.project import Project

_SECONDS = 1.0
_SEED = 20261


@dataclass(frozen=True)
class Mixtures:
    """Recordings that the device is to enhance.

    noisy : int16 (M, samples);  clean, by_float : the speech in them, and what the float model made
    of them, both likewise, or None where nothing is known;  snr_db : float (M,) or None;  origin :
    where they are from, in a few words.
    """

    noisy: NDArray[np.int16]
    clean: NDArray[np.int16] | None = None
    by_float: NDArray[np.int16] | None = None
    snr_db: NDArray[np.float64] | None = None
    origin: str = "noise and tones"

    def first(self, count: int) -> Mixtures:
        """Return the first `count` recordings."""
        return Mixtures(
            self.noisy[:count],
            None if self.clean is None else self.clean[:count],
            None if self.by_float is None else self.by_float[:count],
            None if self.snr_db is None else self.snr_db[:count],
            self.origin,
        )


def load(project: Project, spec: StftSpec) -> Mixtures:
    """Return the mixtures of the quantize stage (`mixtures.npz`), or made sounds without it.

    Raises
    ------
    DataError
        When the file is damaged, or its arrays do not fit together.
    """
    path = project.path(files.MIXTURES)
    return _read(path) if path.exists() else Mixtures(_made(spec))


def _read(path: Path) -> Mixtures:
    hint = "make it again: tinykit quantize"
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            noisy, clean, by_float = (file[name] for name in ("noisy", "clean", "float"))
            snr_db = file["snr_db"].astype(np.float64)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as reason:
        raise DataError(f"{path}: not mixtures: {reason}", hint) from None
    shapes = [array.shape for array in (noisy, clean, by_float)]
    types = {array.dtype for array in (noisy, clean, by_float)}
    if noisy.ndim != 2 or not noisy.size or len(set(shapes)) > 1 or types != {np.dtype(np.int16)}:
        raise DataError(f"{path}: noisy, clean and float are int16 {shapes}", hint)
    if snr_db.shape != noisy.shape[:1]:
        raise DataError(f"{path}: {len(noisy)} mixtures, snr_db has {snr_db.shape}", hint)
    return Mixtures(noisy, clean, by_float, snr_db, "mixtures of speech and noise, held out")


def _made(spec: StftSpec) -> NDArray[np.int16]:
    """Return what an enhancer may meet: noise of all levels; tones at full scale, and silence."""
    random = np.random.default_rng(_SEED)
    count = int(_SECONDS * spec.sample_rate_hz)
    time = np.arange(count) / spec.sample_rate_hz
    noise = random.standard_normal(count) * np.geomspace(1, 30000, count)
    tones = sum(np.sin(2 * np.pi * hz * time) for hz in (110, 330, 1250))
    loud = 40000 * tones * (np.sin(2 * np.pi * 4 * time) > 0)
    return np.clip(np.stack([noise, loud]), -32768, 32767).astype(np.int16)
