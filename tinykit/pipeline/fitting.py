"""fit: the decision, on a long recording made of the validation split; judged on the test split's.

The recordings stay in `build/streams`, with their labels: to be listened to, and for the device
(`tinykit evaluate --stream build/streams/testing.wav --labels build/streams/testing.csv --device`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from tinykit import paths
from tinykit.audio import datasets, wav
from tinykit.errors import DataError
from tinykit.evaluate import events, streams
from tinykit.evaluate.rates import poisson_upper
from tinykit.pipeline import evaluation, files, training
from tinykit.progress import Progress
from tinykit.project import Project

HIGHER_LIMITS = (2.0, 10.0, 50.0, 200.0)
"""False accepts per hour that are tried where `[fit]` asks for what the model cannot keep."""


def wanted(project: Project) -> bool:
    """Whether the project has its decision fitted."""
    return project.config.fit.validation_minutes > 0


def settings(project: Project) -> dict[str, Any]:
    """Return what the recordings and the fit depend on."""
    own = {name: getattr(project.config, name) for name in ("data", "features", "decision", "fit")}
    tables: dict[str, Any] = {f"[{name}]": value for name, value in own.items()}
    return tables | training.recorded(project)


def run(project: Project, progress: Progress) -> None:
    """Compose both recordings, fit on the one, judge on the other."""
    table = project.config.fit
    facts = _compose(project, progress)
    validation = _recording(project, "validation", progress)
    found = fit_as_near(validation.fit, table.false_accepts_per_hour)
    document = _recording(project, "testing", progress).evaluate()
    hours = document["duration_s"] / 3600
    document |= {
        "stream": _sound("testing"),
        "composed_of": facts,
        "fitted": found | {"fitted_on": found["fitted_on"] | {"path": _sound("validation")}},
        "limit_per_hour": table.false_accepts_per_hour,
        "false_accepts_per_hour_upper": poisson_upper(document["false_accepts"]) / hours,
    }
    files.write_json(project.path(files.HELD_OUT), document)


def fit_as_near(fit: Callable[[float], dict[str, Any]], limit_per_hour: float) -> dict[str, Any]:
    """Fit at the limit, or else at the first of `HIGHER_LIMITS` that can be kept.

    A model that cannot keep the limit still gets its firmware: the report says what it keeps.

    Raises
    ------
    DataError
        When not even the highest can be kept.
    """
    higher = [limit for limit in HIGHER_LIMITS if limit > limit_per_hour]
    for limit in (limit_per_hour, *higher[:-1]):
        try:
            return fit(limit)
        except DataError:
            continue
    return fit(higher[-1] if higher else limit_per_hour)


def _sound(split: str) -> str:
    """Return the recording, relative to the project."""
    return f"{files.STREAMS}/{split}.wav"


def _compose(project: Project, progress: Progress) -> dict[str, Any]:
    """Write both recordings; return what they consist of."""
    config = project.config
    dataset = datasets.load(config.data, config.features, project.folder, progress)
    facts: dict[str, Any] = {}
    minutes = {
        "validation": config.fit.validation_minutes,
        "testing": config.fit.testing_minutes,
    }
    with paths.atomic_dir(project.path(files.STREAMS)) as folder:
        for split in ("validation", "testing"):
            made = streams.compose(dataset, split, minutes[split], config.data.seed, progress)
            wav.write(folder / f"{split}.wav", made.audio, dataset.sample_rate_hz)
            events.write(folder / f"{split}.csv", made.events)
            facts[split] = {
                field.name: getattr(made, field.name)
                for field in dataclasses.fields(made)
                if field.name not in ("audio", "events")
            }
    return facts


def _recording(project: Project, split: str, progress: Progress) -> evaluation.Recording:
    sound = project.path(_sound(split))
    return evaluation.Recording(project, sound, sound.with_suffix(".csv"), progress)
