"""The learning rate over a training: up from zero, then down half a cosine."""

from __future__ import annotations

from typing import Any

from tinykit.config import Train
from tinykit.train.backend import keras

WARM_UP = 0.1  # of all steps


def schedule(config: Train, steps: int) -> Any:
    """Return the schedule of `config.learning_rate` over all `steps` of a training."""
    total = max(steps, 1)
    warm_up = int(total * WARM_UP)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warm_up else config.learning_rate,
        decay_steps=max(total - warm_up, 1),
        warmup_target=config.learning_rate if warm_up else None,
        warmup_steps=warm_up,
    )
