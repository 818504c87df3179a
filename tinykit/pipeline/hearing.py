"""Audio for the device's front end, where the model's own vectors bring none that fits."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import frontend
from tinykit.audio.spec import FeatureSpec
from tinykit.device.vectors import Vectors

_SEED = 20261


def with_audio(
    vectors: Vectors, spec: FeatureSpec | None, clips: NDArray[np.int16] | None, most: int
) -> Vectors:
    """Return `vectors` with at most `most` clips that the front end can be proven and measured on.

    Vectors whose own inputs are the rows of their audio stay as they are. Others get `clips`, or
    where there are none, noise, and the rows that the numpy front end makes of it.

    Parameters
    ----------
    spec : FeatureSpec or None
        The front end of the firmware; None: it has none.
    clips : int16 (clips, clip_samples) or None
    """
    if spec is None or not most:
        return dataclasses.replace(vectors, audio=None, features=None)
    if vectors.audio is not None:
        return vectors
    audio = noise(spec.clip_samples)[None] if clips is None else clips[:most]
    return dataclasses.replace(vectors, audio=audio, features=frontend.features(audio, spec))


def noise(samples: int) -> NDArray[np.int16]:
    """Return white noise that grows from digital silence to clipping: int16 (samples,)."""
    drawn = np.random.default_rng(_SEED).standard_normal(samples)
    level = np.geomspace(0.1, 30_000, samples)
    return np.clip(np.round(drawn * level), -32768, 32767).astype(np.int16)
