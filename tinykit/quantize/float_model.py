"""The float model that an int8 one was made from, for comparison over recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.spec import FeatureSpec
from tinykit.errors import ModelError
from tinykit.quantize.fold import fold
from tinykit.quantize.nodes import Softmax
from tinykit.train.backend import keras
from tinykit.train.features import to_real


class FloatModel:
    """A trained Keras classifier, in float.

    Raises
    ------
    ModelError
        When the file is no Keras model that can be loaded.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._model = keras.saving.load_model(path, compile=False)
        except Exception as reason:  # Keras raises what its layers raise
            raise ModelError(f"{path}: not a Keras model: {reason}", "train again") from None
        self._ends_in_softmax = isinstance(fold(self._model)[-1], Softmax)

    def probabilities(self, x: NDArray[np.int8], spec: FeatureSpec) -> NDArray[np.float32]:
        """Return the classes' probabilities (N, classes) for rows (N, frames, width)."""
        found = np.asarray(self._model.predict_on_batch(to_real(x, spec)), np.float32)
        if self._ends_in_softmax:
            return found
        terms = np.exp(found - found.max(axis=-1, keepdims=True))
        return terms / terms.sum(axis=-1, keepdims=True)
