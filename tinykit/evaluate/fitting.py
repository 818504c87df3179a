"""The parameters of the decision, found on a recording that is neither trained on nor tested with.

Objective: the least false reject rate at a given number of false accepts per hour; of equals the
shortest average, which answers soonest. The threshold is the highest that reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from numpy.typing import NDArray

from tinykit.audio.decision import Decision, Listener, sums
from tinykit.errors import DataError
from tinykit.evaluate import operating
from tinykit.evaluate.events import Event
from tinykit.evaluate.operating import Operating

AVERAGES = (1, 2, 3, 5, 8, 12, 20, 30)
REFRACTORY_MS = (500, 1000, 1500, 2000)


@dataclass(frozen=True)
class Fit:
    """The best parameters, and what they reached on the recording they were fitted on."""

    decision: Decision
    reached: Operating


def fit(
    outputs: NDArray[Any],
    start: Decision,
    make: Callable[[Decision], Listener],
    scale: float,
    events: Sequence[Event],
    duration_s: float,
    limit_per_hour: float,
) -> Fit:
    """Try every average and refractory time, at every threshold.

    Parameters
    ----------
    outputs : (inferences, classes)
        Of the model over the recording.
    start : Decision
        What is not fitted is taken from it.
    make : callable
        Makes the `Listener` of a decision.
    scale : float
        Of the outputs.

    Raises
    ------
    DataError
        When the recording has no keyword, or no parameters keep the limit.
    """
    if not events:
        raise DataError("nothing to fit: no keyword is labelled", "label some, with times")
    found: list[tuple[float, int, int, Fit]] = []
    for average in AVERAGES:
        for refractory_ms in REFRACTORY_MS:
            trial = msgspec.structs.replace(
                start, average=average, refractory_ms=refractory_ms, threshold=0.0
            )
            listener = make(trial)
            curve = operating.curve(sums(outputs, listener), listener, events, duration_s)
            reached = operating.operating(curve, limit_per_hour)
            if reached.threshold is None or reached.rate >= 1.0:
                continue
            # Half a step below: the least sum that is more than the threshold is the one wanted.
            threshold = min(1.0, (reached.threshold - 0.5) * scale / average)
            best = msgspec.structs.replace(trial, threshold=round(threshold, 6))
            found.append((reached.rate, average, refractory_ms, Fit(best, reached)))
    if not found:
        raise DataError(
            f"no parameters keep {limit_per_hour:g} false accepts per hour on this recording",
            "a longer recording, more training data, or a higher limit",
        )
    return min(found, key=lambda trial: trial[:3])[3]
