"""Structured pruning of hidden units by learned thresholds, until hard limits hold.

The network is trained with a mask on every unit (`thresholds`); the penalty on the cost over the
limits doubles every epoch until the exact cost of what is left, as the compiler and the linker tell
it, is within them. What is left becomes a smaller dense network, which is fine-tuned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compress import units
from tinykit.compress.technique import Measure, Training
from tinykit.compress.thresholds import Thresholded
from tinykit.compress.units import Kept
from tinykit.progress import Progress, silent
from tinykit.search.budget import METRICS, Cost, Limits, exceeded, require
from tinykit.train.backend import keras

STEP = 4  # widths are multiples of it: kernels work on blocks of four
FIRST_STRENGTH = 0.05  # of the penalty, in units of the loss
GROWTH = 2.0  # of the penalty, from epoch to epoch
RESERVE_BYTES = 256  # code depends on the scales a little, and fine-tuning changes them

Margins = Mapping[str, NDArray[np.float32]]


def prune(
    model: keras.Model,
    training: Training,
    limits: Limits,
    measure: Measure,
    epochs: tuple[int, int] = (12, 8),
    learning_rates: tuple[float, float] = (1e-3, 1e-3),
    progress: Progress = silent,
    checkpoint: Path | None = None,
) -> tuple[keras.Model, dict[str, Any]]:
    """Return a model within `limits`, and what was done.

    Parameters
    ----------
    model : keras.Model
        A chain of LSTM, GRU and Dense layers; it is left as it is.
    training : Training
        The task: how a model is trained and judged.
    measure : callable
        The exact cost of a model, quantized and compiled.
    epochs, learning_rates : pairs
        While units go, at most so many epochs; and of fine-tuning.
    checkpoint : Path, optional
        File from which an interrupted call goes on; a second one, `.prune` before its suffix, lies
        beside it. The caller removes both.

    Raises
    ------
    BudgetError
        When the smallest network, `STEP` units in every layer, is not within the limits.
    """
    before = measure(model)
    figures = _figures(before) | training.validate(model)
    report: dict[str, Any] = {"technique": "prune_units", "changed": False, "before": figures}
    if not exceeded(before, limits):
        return model, {**report, "after": figures}
    widths, target = units.widths(model), _tightened(limits)
    least = {name: np.arange(min(STEP, width)) for name, width in widths.items()}
    smallest = measure(units.rebuild(model, least))
    require(
        smallest,
        target,
        f"compress: even with {STEP} units in every layer the network needs",
        f"the smallest that pruning reaches is {smallest}; raise [budget] or use fewer layers",
    )
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    masked = Thresholded(copy, target)
    masked.anchor(widths, before)
    steps: list[dict[str, Any]] = []

    def holds() -> bool:
        """Measure what is left; where it is too much, raise the penalty for the next epoch."""
        left = kept(masked.margins())
        cost = measure(units.rebuild(masked.network, left))
        strength = float(keras.ops.convert_to_numpy(masked.strength))
        steps.append({"widths": _lengths(left), **_figures(cost), "strength": strength})
        masked.anchor(_lengths(left), cost)
        masked.strength.assign(strength * GROWTH or FIRST_STRENGTH)
        return not exceeded(cost, target)

    first = checkpoint.with_suffix(f".prune{checkpoint.suffix}") if checkpoint else None
    training.fit(masked, epochs[0], learning_rates[0], "prune", progress, first, holds)
    margins = masked.margins()
    lift = _lift(
        margins, lambda left: not exceeded(measure(units.rebuild(masked.network, left)), target)
    )
    left = kept(margins, lift)
    smaller = units.rebuild(masked.network, left)
    pruned = training.validate(smaller)
    training.fit(smaller, epochs[1], learning_rates[1], "fine-tune", progress, checkpoint, None)
    after = measure(smaller)
    require(after, limits, "compress: the fine-tuned network needs", "allow a little more")
    report |= {
        "changed": True,
        "after": _figures(after) | training.validate(smaller),
        "pruned": pruned,  # before fine-tuning
        "widths_before": widths,
        "widths_after": _lengths(left),
        "lift": lift,
        "steps": steps,
    }
    return smaller, report


def kept(margins: Margins, lift: float = 0.0) -> Kept:
    """Return the units above their threshold raised by `lift`, and as many more as fill a STEP."""
    found = {}
    for name, margin in margins.items():
        alive = max(int((margin >= lift).sum()), 1)
        count = min(-(-alive // STEP) * STEP, len(margin))
        found[name] = np.sort(np.argsort(-margin, kind="stable")[:count])
    return found


def _lift(margins: Margins, holds: Callable[[Kept], bool]) -> float:
    """Return by how much all thresholds have to rise, at least, for the limits to hold.

    Below zero where the last epoch took more than it had to: the best of what went comes back.
    Above zero where the epochs were too few. At the lowest level all units are there, which is too
    much; at the highest there is the smallest network, which is not.
    """
    levels = np.unique(np.concatenate(list(margins.values())))
    outside, inside = 0, len(levels) - 1
    while inside - outside > 1:
        middle = (outside + inside) // 2
        if holds(kept(margins, float(levels[middle]))):
            inside = middle
        else:
            outside = middle
    return float(levels[inside])


def _tightened(limits: Limits) -> Limits:
    flash = limits.get("flash_bytes")
    if flash is None:
        return limits
    return {**limits, "flash_bytes": replace(flash, value=flash.value - RESERVE_BYTES)}


def _lengths(left: Kept) -> dict[str, int]:
    return {name: len(indices) for name, indices in left.items()}


def _figures(cost: Cost) -> dict[str, float]:
    return {metric: getattr(cost, metric) for metric in METRICS}
