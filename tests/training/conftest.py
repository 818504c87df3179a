"""A small, easy task in the shape of real features, and networks to match."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model, Train
from tinykit.train.features import Features

SPEC = FeatureSpec(clip_ms=330)
LABELS = ("yes", "no", "silence")
SMALL = Model(channels=8, blocks=2)
QUICK = Train(epochs=3, batch_size=16, learning_rate=2e-2, time_mask=2)

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder; Keras passes numpy 2 a deprecated argument."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("training")
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation"))


def easy_features(seed: int = 0, training: int = 192, other: int = 48) -> Features:
    """Return clips that are their class's pattern under noise: easy, not trivial."""
    random = np.random.default_rng(seed)
    patterns = random.normal(0, 8, (len(LABELS), 1, SPEC.width))
    x, y = {}, {}
    for split, count in (("training", training), ("validation", other), ("testing", other)):
        y[split] = random.integers(0, len(LABELS), count).astype(np.int32)
        noisy = patterns[y[split]] + random.normal(0, 20, (count, SPEC.frames, SPEC.width))
        x[split] = np.clip(np.round(noisy), -128, 127).astype(np.int8)
    audio = random.integers(-9000, 9000, (4, SPEC.clip_samples)).astype(np.int16)
    return Features(SPEC, LABELS, x, y, audio)


@pytest.fixture(scope="session")
def features() -> Features:
    """Return the easy task; do not change it."""
    return easy_features()


@dataclass
class Run:
    """A finished training: the network, its history, and each call of `progress`."""

    model: Any
    history: Any
    calls: list[tuple[str, int, int]]


@pytest.fixture(scope="session")
def run(features: Features) -> Run:
    """Train a small network on the easy task; do not change it."""
    from tinykit import models
    from tinykit.train.backend import seed_everything
    from tinykit.train.fit import fit

    calls = []
    seed_everything(0)
    model = models.build(SMALL, SPEC, len(LABELS))
    history = fit(model, features, QUICK, lambda *step, **figures: calls.append(step))
    return Run(model, history, calls)


@pytest.fixture(scope="session")
def trained(run: Run) -> Any:
    """Return the small network of `run`; do not change it."""
    return run.model
