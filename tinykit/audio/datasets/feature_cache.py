"""Features that were computed before, kept by what they were computed from.

A piece of features is one file, named by a hash of everything its bytes depend on: the audio, the
front end's parameters, the augmentation, and the code of them all. An interrupted run leaves whole
pieces, so the next one goes on where it stopped; two projects with the same data share them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit import paths

LIMIT_BYTES = 2 << 30
"""The most that is kept; what was not used for longest goes first."""

_CODE = (
    *sorted(Path(__file__).parents[1].glob("*.py")),
    Path(__file__).with_name("features.py"),
)
"""What computes a piece: `tinykit.audio` without its data sets. New code makes new pieces."""


class FeatureCache:
    """Pieces of int8 features, in files below the kit's cache folder.

    Parameters
    ----------
    settings : iterable of str or bytes
        What all pieces depend on: parameters, seed, noise. The code that computes features and the
        version of numpy are added.
    """

    def __init__(self, settings: Iterable[str | bytes]) -> None:
        self._folder = paths.cache_dir() / "features"
        self._common = hashlib.sha256(np.__version__.encode())
        for part in (*settings, *(path.read_bytes() for path in _CODE)):
            data = part.encode() if isinstance(part, str) else part
            self._common.update(len(data).to_bytes(8, "big") + data)

    def key(self, clips: Iterable[tuple[str, ...]]) -> str:
        """Return the name of the piece for `clips`, each a tuple of all that identifies it."""
        digest = self._common.copy()
        for clip in clips:
            digest.update(repr(clip).encode())
        return digest.hexdigest()[:40]

    def get(self, key: str, shape: tuple[int, ...]) -> NDArray[np.int8] | None:
        """Return a piece, int8 of `shape`, or None when it is not there or is damaged."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                piece = np.load(file, allow_pickle=False)
            os.utime(path)  # it was of use: keep it for longer
        except (OSError, ValueError, EOFError):
            return None
        return piece if piece.shape == shape and piece.dtype == np.int8 else None

    def put(self, key: str, piece: NDArray[np.int8]) -> None:
        """Keep a piece. A cache that cannot be written costs time, never the work itself."""
        with contextlib.suppress(OSError), paths.atomic_path(self._path(key)) as temporary:
            np.save(temporary, piece, allow_pickle=False)

    def trim(self, limit_bytes: int = LIMIT_BYTES) -> None:
        """Remove the pieces not used for longest until `limit_bytes` hold."""
        with contextlib.suppress(OSError):  # another process may be trimming as well
            pieces = [(path, path.stat()) for path in self._folder.glob("*/*.npy")]
            total = sum(stat.st_size for _, stat in pieces)
            for path, stat in sorted(pieces, key=lambda piece: piece[1].st_mtime):
                if total <= limit_bytes:
                    break
                path.unlink(missing_ok=True)
                total -= stat.st_size

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.npy"
