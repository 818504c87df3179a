"""What the recipes read and write in a build folder: whole files, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tinykit import paths
from tinykit.errors import ModelError
from tinykit.train.backend import keras

CHECKPOINT = ".checkpoint.npz"
"""In the build folder while a training runs; `compress` has others beside it, `.checkpoint.*`."""


def forget_checkpoints(build: Path) -> None:
    """Remove what an interrupted training would have gone on from, once its result is kept."""
    for path in build.glob(f"{Path(CHECKPOINT).stem}*"):
        path.unlink(missing_ok=True)


def load_model(path: Path) -> keras.Model:
    """Load a Keras model.

    Raises
    ------
    ModelError
        When it cannot be loaded.
    """
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as reason:  # Keras raises what its layers raise
        raise ModelError(
            f"{path}: not a Keras model that can be loaded: {reason}", "train again"
        ) from None


def save_model(path: Path, model: keras.Model) -> None:
    """Write a .keras file."""
    with paths.atomic_path(path) as temporary:
        model.save(temporary)


def save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Write a compressed .npz."""
    with paths.atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def save_json(path: Path, content: dict[str, Any]) -> None:
    """Write records and plain values as JSON."""
    text = json.dumps(msgspec.to_builtins(content), indent=1, ensure_ascii=False)
    paths.write_text(path, text + "\n")
