"""Misses against false accepts over all thresholds, with bootstrap confidence intervals.

The recording is cut into segments. For each threshold, misses and false accepts are counted segment
by segment; the bootstrap draws segments with replacement (Efron and Tibshirani, *An Introduction to
the Bootstrap*), so that what happens together, in one noisy minute, stays together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.decision import Listener, detections
from tinykit.evaluate.events import Event
from tinykit.evaluate.matching import TOLERANCE_S, Heard, match

THRESHOLDS = 200
"""At most so many thresholds are tried."""

SEGMENT_S = 30.0
REPLICATES = 2000


@dataclass(frozen=True)
class Curve:
    """Counts by threshold, ascending, and segment of the recording.

    thresholds : int64 (T,), sums of outputs as `Listener.threshold`
    misses, false_accepts : int64 (T, S);  events : int64 (S,);  seconds : float64 (S,)
    """

    thresholds: NDArray[np.int64]
    misses: NDArray[np.int64]
    false_accepts: NDArray[np.int64]
    events: NDArray[np.int64]
    seconds: NDArray[np.float64]

    @property
    def false_reject_rate(self) -> NDArray[np.float64]:
        """Share of the events that were missed: float64 (T,); nan without events."""
        with np.errstate(invalid="ignore"):
            return self.misses.sum(axis=1) / np.float64(self.events.sum())

    @property
    def false_accepts_per_hour(self) -> NDArray[np.float64]:
        """False accepts by the whole recording's length: float64 (T,)."""
        return self.false_accepts.sum(axis=1) * 3600.0 / self.seconds.sum()


@dataclass(frozen=True)
class Operating:
    """The least false reject rate within a limit of false accepts.

    `low`, `high` enclose the 95 % of the bootstrap. `threshold` is a sum of outputs. `rate` is 1
    where no threshold keeps the limit.
    """

    limit_per_hour: float
    threshold: int | None
    rate: float
    low: float
    high: float


def thresholds(totals: NDArray[np.int64], listener: Listener) -> NDArray[np.int64]:
    """Return thresholds that make a difference, ascending: those between the sums that occur."""
    keywords = [index for index, name in enumerate(listener.labels) if not name.startswith("_")]
    occurring = np.unique(totals[:, keywords].max(axis=1, initial=0))
    tried = np.append(occurring, occurring[-1] + 1 if len(occurring) else 1)
    tried = tried[tried > 0]
    # Evenly in rank: most sums are near 0 or near the greatest, where the curve is made.
    chosen = np.unique(np.linspace(0, len(tried) - 1, min(THRESHOLDS, len(tried))).astype(int))
    return tried[chosen]


def curve(
    totals: NDArray[np.int64],
    listener: Listener,
    events: Sequence[Event],
    duration_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> Curve:
    """Count misses and false accepts at every threshold.

    Parameters
    ----------
    totals : int64 (inferences, classes)
        `decision.sums`.
    events : sequence of Event
        Of the keywords, in order of time.
    duration_s : float
        Of the recording.
    """
    tried = thresholds(totals, listener)
    segments = max(1, round(duration_s / SEGMENT_S))
    length = duration_s / segments

    def counted(times: Sequence[float]) -> NDArray[np.int64]:
        at = np.minimum((np.array(times) / length).astype(int), segments - 1)
        return np.bincount(at, minlength=segments).astype(np.int64)

    misses = np.zeros((len(tried), segments), np.int64)
    false_accepts = np.zeros_like(misses)
    for index, threshold in enumerate(tried):
        heard = [
            Heard(listener.time_s(found.row), listener.labels[found.label])
            for found in detections(totals, listener, int(threshold))
        ]
        matching = match(heard, events, tolerance_s)
        misses[index] = counted([events[e].start_s for e in matching.missed])
        false_accepts[index] = counted([heard[d].time_s for d in matching.false_accepts])
    return Curve(
        tried,
        misses,
        false_accepts,
        counted([event.start_s for event in events]),
        np.full(segments, length),
    )


def operating(curve: Curve, limit_per_hour: float, seed: int = 0) -> Operating:
    """Return the least false reject rate at no more than `limit_per_hour` false accepts.

    Of equally good thresholds the highest is taken: it has the fewest false accepts. In every
    bootstrap replicate the threshold is chosen anew.
    """
    rates, threshold = _least(
        curve.misses.sum(axis=1)[None],
        curve.false_accepts.sum(axis=1)[None],
        curve.events.sum()[None],
        curve.seconds.sum()[None],
        limit_per_hour,
    )
    segments = len(curve.seconds)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(segments, np.full(segments, 1 / segments), REPLICATES)
    replicas, _ = _least(
        drawn @ curve.misses.T,
        drawn @ curve.false_accepts.T,
        drawn @ curve.events,
        drawn @ curve.seconds,
        limit_per_hour,
    )
    low, high = np.nanquantile(replicas, [0.025, 0.975]) if curve.events.sum() else (0.0, 1.0)
    chosen = None if threshold[0] < 0 else int(curve.thresholds[threshold[0]])
    return Operating(limit_per_hour, chosen, float(rates[0]), float(low), float(high))


def _least(
    misses: NDArray[np.int64],
    false_accepts: NDArray[np.int64],
    events: NDArray[np.int64],
    seconds: NDArray[np.float64],
    limit_per_hour: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the least rate of each replicate (B,), and the threshold's position (-1: none)."""
    allowed = false_accepts * 3600.0 <= limit_per_hour * seconds[:, None] * (1 + 1e-12)
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = np.where(allowed, misses / events[:, None], np.inf)
    last = rates.shape[1] - 1
    position = last - rates[:, ::-1].argmin(axis=1)
    least = rates[np.arange(len(rates)), position]
    none = np.isposinf(least)
    least = np.where(none, 1.0, least)
    return np.where(events > 0, least, np.nan), np.where(none, -1, position)
