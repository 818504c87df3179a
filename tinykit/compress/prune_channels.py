"""Structured channel pruning: whole channels go until hard limits hold, then fine-tuning.

Channels go along paths (`widths`) from the whole network to the smallest one. Bisection finds a
point on each whose exact cost, as the compiler and the linker tell it, is within the limits; the
one that keeps more of what matters is fine-tuned.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tinykit.compress import channels, importance, widths
from tinykit.compress.channels import Kept
from tinykit.compress.importance import Shares
from tinykit.compress.technique import Measure, accuracy, result
from tinykit.compress.widths import Widths
from tinykit.config import Config
from tinykit.progress import Progress, silent
from tinykit.quantize.fold import fold
from tinykit.search.budget import Cost, Limits, exceeded, require
from tinykit.train.backend import keras
from tinykit.train.features import Features, to_real
from tinykit.train.fit import fit

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

    def at(point: Widths) -> keras.Model:
        return channels.rebuild(model, _keep(shares, point))

    def cost(point: Widths) -> Cost:
        return measure(at(point))

    smallest = cost(paths[0][-1])
    require(
        smallest,
        limits,
        "compress: even with its smallest channels the network needs",
        f"the smallest that pruning reaches is {smallest}; raise [budget], use fewer [model] "
        "blocks, or smaller [features]",
    )
    found = []
    for number, candidate in enumerate(paths):
        progress("prune", number, len(paths))
        first = _first_within(candidate, cost, limits)
        found.append((_kept_importance(shares, candidate[first]), -number, candidate, first))
    progress("prune", len(paths), len(paths))
    *_, path, step = max(found)
    while True:
        smaller = at(path[step])
        pruned_accuracy = accuracy(smaller, features)
        history = fit(
            smaller, features, _fine_tuning(config), progress, checkpoint, what="fine-tune"
        )
        after = measure(smaller)
        # Code depends on the scales by a few bytes, and fine-tuning changes them.
        if not exceeded(after, limits) or step == len(path) - 1:
            break
        step += 1
    require(after, limits, "compress: the pruned network needs", "allow a little more")
    report = result("prune_channels", model, smaller, features, before, after)
    report |= {
        "widths_before": path[0],
        "widths_after": path[step],
        "importance_kept": _kept_importance(shares, path[step]),
        "validation_accuracy_pruned": pruned_accuracy,
        "fine_tuning": msgspec.to_builtins(history.epochs),
    }
    return smaller, report


def _keep(shares: Shares, kept: Widths) -> Kept:
    """Return the most important channels of each group, in their order in the network."""
    return {
        name: np.sort(np.argsort(-values, kind="stable")[: kept[name]])
        for name, values in shares.items()
    }


def _kept_importance(shares: Shares, kept: Widths) -> float:
    """Return the share of importance that the best channels hold, the mean over the groups."""
    sums = [np.sort(values)[::-1][: kept[name]].sum() for name, values in shares.items()]
    return float(np.mean(sums))


def _first_within(path: list[Widths], cost: Callable[[Widths], Cost], limits: Limits) -> int:
    """Return a step of `path` within `limits` whose predecessor is not, by bisection.

    The first step is known to be outside, the last one to be inside.
    """
    outside, inside = 0, len(path) - 1
    while inside - outside > 1:
        middle = (outside + inside) // 2
        if exceeded(cost(path[middle]), limits):
            outside = middle
        else:
            inside = middle
    return inside


def _fine_tuning(config: Config) -> Any:
    return msgspec.structs.replace(
        config.train,
        epochs=config.compress.epochs,
        learning_rate=config.compress.learning_rate,
        patience=0,
    )
