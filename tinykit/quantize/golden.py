"""What the int8 model really answers: golden vectors and accuracy, from the golden interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite
from tinykit.progress import Progress, silent
from tinykit.train.features import Features, Split
from tinykit.train.metrics import Evaluation, evaluate

CHUNK = 50  # clips between two calls of `progress`


def outputs(
    data: bytes, x: NDArray[np.int8], progress: Progress = silent, what: str = "int8 model"
) -> NDArray[np.int8]:
    """Return the outputs int8 (N, classes) of a .tflite for features int8 (N, frames, width).

    Each clip starts from the model's initial state, as on the device.
    """
    parts = []
    chunk = 1 if _has_state(data) else CHUNK
    with Golden(data) as golden:
        for start in range(0, len(x), chunk):
            rows = x[start : start + chunk, None, :, :, None]  # batch 1, one channel
            if chunk == 1:
                golden.reset()
            parts.append(golden.run_many([rows])[0][:, 0])
            progress(what, start + len(rows), len(x))
    return np.concatenate(parts)


def _has_state(data: bytes) -> bool:
    return any(tensor.state for tensor in read_tflite(data).tensors.values())


def evaluate_int8(answers: NDArray[np.int8], features: Features, split: Split) -> Evaluation:
    """Compare the classes that `outputs` gave on a whole split with the right ones.

    Of equal outputs the first counts, as on the device.
    """
    return evaluate(features.y[split], answers.argmax(axis=1), features.labels)


def vectors(features: Features, answers: NDArray[np.int8], count: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of `vectors.npz` for the first `count` clips of the test split (0: all).

    Parameters
    ----------
    answers : int8 (N, classes)
        The golden outputs on the test split.
    """
    count = min(count or len(answers), len(answers))
    return {
        "x": features.x["testing"][:count, ..., None],
        "y": answers[:count],
        "labels": features.y["testing"][:count],
        "audio": features.audio[:count],
    }
