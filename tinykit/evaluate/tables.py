"""Misses by noise level and by speaker, and how late detections come."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from tinykit.evaluate.events import Event
from tinykit.evaluate.matching import Heard, Matching

Key = TypeVar("Key", str, float)

STEP_DB = 5.0


_Z = 1.959964
"""Of the normal distribution's middle 95 %."""


@dataclass(frozen=True)
class Row:
    """One group of events: how many there were, and how many were missed.

    `low`, `high` enclose the share of misses with 95 % confidence, were the events independent
    (Wilson's score interval: E. B. Wilson, *J. Am. Stat. Assoc.* 22, 1927).
    """

    group: str
    events: int
    missed: int
    low: float = field(init=False)
    high: float = field(init=False)

    def __post_init__(self) -> None:
        middle = (self.missed + _Z**2 / 2) / (self.events + _Z**2)
        spread = self.missed * (self.events - self.missed) / self.events + _Z**2 / 4
        half = _Z * math.sqrt(spread) / (self.events + _Z**2)
        object.__setattr__(self, "low", max(0.0, middle - half))
        object.__setattr__(self, "high", min(1.0, middle + half))

    @property
    def false_reject_rate(self) -> float:
        """Share that was missed."""
        return self.missed / self.events


def by_snr(events: Sequence[Event], matching: Matching) -> list[Row]:
    """Return a row for every 5 dB, from the noisiest on; events without an SNR are left out."""

    def group(event: Event) -> float | None:
        return None if event.snr_db is None else STEP_DB * math.floor(event.snr_db / STEP_DB)

    found = _grouped(events, matching, group)
    return [Row(f"{low:g} to {low + STEP_DB:g} dB", *found[low]) for low in sorted(found)]


def by_speaker(events: Sequence[Event], matching: Matching) -> list[Row]:
    """Return a row for every speaker, the most missed first; events without one are left out."""
    found = _grouped(events, matching, lambda event: event.speaker or None)
    rows = [Row(name, *counts) for name, counts in found.items()]
    return sorted(rows, key=lambda row: (-row.false_reject_rate, row.group))


def by_label(events: Sequence[Event], matching: Matching) -> list[Row]:
    """Return a row for every word."""
    found = _grouped(events, matching, lambda event: event.label)
    return [Row(name, *found[name]) for name in sorted(found)]


def _grouped(
    events: Sequence[Event], matching: Matching, group: Callable[[Event], Key | None]
) -> dict[Key, tuple[int, int]]:
    counts: dict[Key, tuple[int, int]] = {}
    missed = set(matching.missed)
    for index, event in enumerate(events):
        key = group(event)
        if key is not None:
            known, lost = counts.get(key, (0, 0))
            counts[key] = known + 1, lost + (index in missed)
    return counts


@dataclass(frozen=True)
class Latency:
    """From the end of a word to its detection, in seconds; negative: before it was over."""

    median_s: float
    p90_s: float
    worst_s: float


def latency(heard: Sequence[Heard], events: Sequence[Event], matching: Matching) -> Latency | None:
    """Return how late the hits were; None without any."""
    delays = [heard[d].time_s - events[e].end_s for e, d in matching.hits]
    if not delays:
        return None
    median, p90 = np.quantile(delays, [0.5, 0.9])
    return Latency(float(median), float(p90), max(delays))
