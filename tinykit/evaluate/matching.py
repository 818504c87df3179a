"""Which detections are of words that were said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinykit.evaluate.events import Event

TOLERANCE_S = 1.0
"""A detection counts until so long after the word's end: MLPerf Tiny's streaming wake word rule."""


@dataclass(frozen=True)
class Heard:
    """A detection in time: what, and when it was decided."""

    time_s: float
    label: str


@dataclass(frozen=True)
class Matching:
    """Detections and events set against each other.

    Attributes
    ----------
    hits : tuple of (event, detection)
        Positions in the sequences that were given; each occurs once.
    missed, false_accepts : tuple of int
        Positions of the other events, and of the other detections.
    """

    hits: tuple[tuple[int, int], ...]
    missed: tuple[int, ...]
    false_accepts: tuple[int, ...]


def match(
    heard: Sequence[Heard], events: Sequence[Event], tolerance_s: float = TOLERANCE_S
) -> Matching:
    """Set detections against events, both in order of time.

    A detection is of the first event with its label, not detected before, that lasts from `start_s`
    to `end_s + tolerance_s` around it. A second detection of the same word is a false accept.
    """
    hits: list[tuple[int, int]] = []
    false_accepts: list[int] = []
    open_: list[int] = []  # events that began and were not detected
    begun = 0
    for position, detection in enumerate(heard):
        while begun < len(events) and events[begun].start_s <= detection.time_s:
            open_.append(begun)
            begun += 1
        open_ = [e for e in open_ if events[e].end_s + tolerance_s >= detection.time_s]
        event = next((e for e in open_ if events[e].label == detection.label), None)
        if event is None:
            false_accepts.append(position)
        else:
            open_.remove(event)
            hits.append((event, position))
    found = {event for event, _ in hits}
    missed = tuple(event for event in range(len(events)) if event not in found)
    return Matching(tuple(hits), missed, tuple(false_accepts))
