"""How well a classifier does: accuracy, confusion matrix and recall per class."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.train.features import Features, Split, to_real

BATCH = 250


class Evaluation(msgspec.Struct, frozen=True):
    """One model on one split.

    `confusion[i][j]` counts the clips of class i taken for class j; `recall` is None for a class
    without clips.
    """

    accuracy: float
    clips: int
    labels: list[str]
    confusion: list[list[int]]
    recall: list[float | None]


def evaluate(
    expected: NDArray[np.integer], predicted: NDArray[np.integer], labels: Sequence[str]
) -> Evaluation:
    """Compare predicted with expected classes, both (N,). Accuracy over no clips is 0."""
    classes = len(labels)
    pairs = expected.astype(np.int64) * classes + predicted
    confusion = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    counts = confusion.sum(axis=1)
    return Evaluation(
        accuracy=float(np.trace(confusion) / max(len(expected), 1)),
        clips=len(expected),
        labels=list(labels),
        confusion=confusion.tolist(),
        recall=[
            float(hit / count) if count else None
            for hit, count in zip(np.diag(confusion), counts, strict=True)
        ],
    )


def evaluate_float(model: object, features: Features, split: Split) -> Evaluation:
    """Run a Keras classifier in float over one split."""
    logits = predict(model, features, split)
    return evaluate(features.y[split], logits.argmax(axis=1), features.labels)


def predict(model: object, features: Features, split: Split) -> NDArray[np.float32]:
    """Return the float outputs (N, classes) over one split."""
    x = to_real(features.x[split], features.spec)
    parts = [np.zeros((0, len(features.labels)), np.float32)]
    for start in range(0, len(x), BATCH):
        parts.append(model.predict_on_batch(x[start : start + BATCH]))  # type: ignore[attr-defined]
    return np.concatenate(parts)
