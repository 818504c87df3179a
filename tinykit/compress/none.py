"""No compression: the model as it is, if it is within the limits."""

from __future__ import annotations

from pathlib import Path

from tinykit.compress.technique import Measure, Report, result
from tinykit.config import Config
from tinykit.progress import Progress, silent
from tinykit.search.budget import Limits, require
from tinykit.train.backend import keras
from tinykit.train.features import Features


def compress(
    model: keras.Model,
    features: Features,
    limits: Limits,
    measure: Measure,
    config: Config,
    progress: Progress = silent,
    checkpoint: Path | None = None,
) -> tuple[keras.Model, Report]:
    """Return `model`, or raise BudgetError. See `tinykit.compress.technique`."""
    cost = measure(model)
    require(
        cost, limits, "compress: the network needs", 'try [compress] technique = "prune_channels"'
    )
    return model, result("none", model, model, features, cost, cost)
