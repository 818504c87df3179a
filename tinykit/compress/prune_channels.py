"""Structured channel pruning: whole channels go until hard limits hold, then fine-tuning.

Channels go along paths (`widths`) from the whole network to the smallest one. Bisection finds a
point on each whose exact cost, as the compiler and the linker tell it, is within the limits. The
network at each of these points is fine-tuned, and the one that validates best is kept: how much of
what matters is kept foretells it badly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tinykit.compress import channels, importance, widths
from tinykit.compress.importance import Shares
from tinykit.compress.technique import Measure, accuracy, result
from tinykit.compress.widths import Widths
from tinykit.config import Config
from tinykit.progress import Progress, silent
from tinykit.quantize.fold import fold
from tinykit.search.budget import Cost, Limits, exceeded, require
from tinykit.train.backend import keras
from tinykit.train.features import Features, to_real
from tinykit.train.fit import History, fit

CLIPS = 400  # from which the importance of channels is judged


def compress(
    model: keras.Model,
    features: Features,
    limits: Limits,
    measure: Measure,
    config: Config,
    progress: Progress = silent,
    checkpoint: Path | None = None,
) -> tuple[keras.Model, dict[str, Any]]:
    """Return a model within `limits`, and what was done. See `tinykit.compress.technique`."""
    before = measure(model)
    if not exceeded(before, limits):
        return model, result("prune_channels", model, model, features, before, before)
    groups = channels.groups(model)
    nodes = fold(model)
    clips = features.x["training"][:CLIPS]
    shares = importance.shares(nodes, groups, to_real(clips, features.spec))
    paths = [widths.by_importance(nodes, groups, shares, before, limits), widths.evenly(groups)]
    pruning = _Pruning(model, features, shares, limits, measure, config)
    smallest = measure(pruning.network(paths[0][-1]))
    require(
        smallest,
        limits,
        "compress: even with its smallest channels the network needs",
        f"the smallest that pruning reaches is {smallest}; raise [budget], use fewer [model] "
        "blocks, or smaller [features]",
    )
    points = {}
    for number, path in enumerate(paths):
        progress("prune", number, len(paths))
        step = pruning.first_within(path)
        points[tuple(path[step].items())] = path, step
    progress("prune", len(paths), len(paths))
    tuned = [
        pruning.tuned(path, step, progress, _own(checkpoint, number))
        for number, (path, step) in enumerate(points.values())
    ]
    best = max(tuned, key=lambda one: (not exceeded(one.cost, limits), one.accuracy))
    require(best.cost, limits, "compress: the pruned network needs", "allow a little more")
    report = result("prune_channels", model, best.model, features, before, best.cost)
    report |= {
        "widths_before": paths[0][0],
        "widths_after": best.widths,
        "importance_kept": _kept_importance(shares, best.widths),
        "validation_accuracy_pruned": best.accuracy_pruned,
        "validation_accuracy_by_path": [one.accuracy for one in tuned],
        "fine_tuning": msgspec.to_builtins(best.history.epochs),
    }
    return best.model, report


@dataclass(frozen=True)
class _Tuned:
    """A network on a path, fine-tuned."""

    widths: Widths
    model: keras.Model
    accuracy_pruned: float  # before fine-tuning
    accuracy: float
    history: History
    cost: Cost


@dataclass(frozen=True)
class _Pruning:
    """What is the same for all points on all paths."""

    model: keras.Model
    features: Features
    shares: Shares
    limits: Limits
    measure: Measure
    config: Config

    def network(self, point: Widths) -> keras.Model:
        """Return the network so narrow, its most important channels kept, in their order."""
        kept = {
            name: np.sort(np.argsort(-values, kind="stable")[: point[name]])
            for name, values in self.shares.items()
        }
        return channels.rebuild(self.model, kept)

    def first_within(self, path: list[Widths]) -> int:
        """Return a step of `path` within the limits whose predecessor is not, by bisection.

        The first step is known to be outside, the last one to be inside.
        """
        outside, inside = 0, len(path) - 1
        while inside - outside > 1:
            middle = (outside + inside) // 2
            if exceeded(self.measure(self.network(path[middle])), self.limits):
                outside = middle
            else:
                inside = middle
        return inside

    def tuned(
        self, path: list[Widths], step: int, progress: Progress, checkpoint: Path | None
    ) -> _Tuned:
        """Return the network at `step`, fine-tuned, or a later one.

        Code depends on the scales by a few bytes, and fine-tuning changes them.
        """
        network = self.network(path[step])
        pruned = accuracy(network, self.features)
        tuning = _fine_tuning(self.config)
        history = fit(network, self.features, tuning, progress, checkpoint, what="fine-tune")
        cost = self.measure(network)
        if exceeded(cost, self.limits) and step < len(path) - 1:
            return self.tuned(path, step + 1, progress, checkpoint)
        return _Tuned(path[step], network, pruned, accuracy(network, self.features), history, cost)


def _own(checkpoint: Path | None, number: int) -> Path | None:
    """Return the checkpoint of one path's fine-tuning."""
    return checkpoint and checkpoint.with_suffix(f".{number}{checkpoint.suffix}")


def _kept_importance(shares: Shares, kept: Widths) -> float:
    """Return the share of importance that the best channels hold, the mean over the groups."""
    sums = [np.sort(values)[::-1][: kept[name]].sum() for name, values in shares.items()]
    return float(np.mean(sums))


def _fine_tuning(config: Config) -> Any:
    return msgspec.structs.replace(
        config.train,
        epochs=config.compress.epochs,
        learning_rate=config.compress.learning_rate,
        patience=0,
    )
