"""What every compression technique has in common: its signature and what it reports.

A technique is a module here with `compress`, of type `Technique`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from tinykit.config import Config
from tinykit.progress import Progress
from tinykit.search.budget import Cost, Limits
from tinykit.train.backend import keras
from tinykit.train.features import Features
from tinykit.train.metrics import evaluate_float

Measure = Callable[[keras.Model], Cost]
"""The exact cost of a model once it is quantized and compiled for the board."""

Report = dict[str, Any]


class Technique(Protocol):
    """Makes a model smaller until hard limits hold."""

    def __call__(
        self,
        model: keras.Model,
        features: Features,
        limits: Limits,
        measure: Measure,
        config: Config,
        progress: Progress = ...,
        checkpoint: Path | None = ...,
    ) -> tuple[keras.Model, Report]:
        """Return a model within `limits`, and what was done.

        `model` is left as it is; it is returned itself when it is within the limits already.

        Raises
        ------
        BudgetError
            When no model that the technique can make is within the limits; says the smallest.
        """


class Training(Protocol):
    """How the models of a task are trained and judged, where the task is no classification."""

    def fit(
        self,
        model: keras.Model,
        epochs: int,
        learning_rate: float,
        what: str,
        progress: Progress,
        checkpoint: Path | None,
        enough: Callable[[], bool] | None,
    ) -> Any:
        """Train `model` in place, its own losses included.

        `enough` is asked before each epoch whether to stop. It may change variables of the model,
        none of which the checkpoint, written after each epoch, leaves out.
        """

    def validate(self, model: keras.Model) -> dict[str, float]:
        """Return the figures by which the task judges a model, on the validation data."""


def accuracy(model: keras.Model, features: Features) -> float:
    """Return the float accuracy on the validation split."""
    return evaluate_float(model, features, "validation").accuracy


def result(
    technique: str,
    before: keras.Model,
    after: keras.Model,
    features: Features,
    cost_before: Cost,
    cost_after: Cost,
) -> Report:
    """Return the part of the report that every technique has."""
    return {
        "technique": technique,
        "changed": before is not after,
        "before": {**asdict(cost_before), "validation_accuracy": accuracy(before, features)},
        "after": {**asdict(cost_after), "validation_accuracy": accuracy(after, features)},
    }
