"""From the model's outputs to detections: what the device decides, in numpy.

The outputs of the newest inferences are averaged; when the greatest average belongs to a keyword
and is high enough, that keyword was heard, once: for a while nothing more is reported.
`templates/listener/tk_listener.c` is the twin, integer for integer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.audio.spec import FeatureSpec
from tinykit.errors import ConfigError

_Whole = Annotated[int, msgspec.Meta(ge=0, le=3_600_000)]


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[decision] When the device reports a keyword.

    Parameters
    ----------
    average : int
        Inferences in the average; more: fewer false accepts, later answers.
    threshold : float
        Probability that the average must exceed.
    refractory_ms : int
        Time after a detection in which nothing is reported.
    interval_ms : int
        How often a window model runs. A model that streams runs whenever its rows are there.
    warm_up_ms : int
        Audio at the start that is heard but not judged; never less than one window.
    """

    average: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 3
    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.7
    refractory_ms: _Whole = 1000
    interval_ms: Annotated[int, msgspec.Meta(ge=1, le=60_000)] = 100
    warm_up_ms: _Whole = 0


@dataclass(frozen=True)
class Listener:
    """A `Decision` in the device's units: rows of the front end, steps of the model's output.

    Attributes
    ----------
    labels : tuple of str
        Classes in the order of the output; names that begin with `_` are no keywords.
    window_rows : int
        Rows of which a window model's input consists; 0: the model streams.
    first_row, step_rows : int
        The model's output is new when so many rows are there, and after every `step_rows` more.
    warm_up_rows : int
        Inferences before this row do not count.
    average, refractory_rows : int
    threshold : int
        Least sum of `average` outputs, zero point taken off, that is a detection.
    zero_point : int
        Of the output.
    unsigned : bool
        Whether the output is uint8.
    window_samples, hop_samples, sample_rate_hz : int
        Of the front end: row n (from 1) is complete after `window + (n - 1) * hop` samples.
    output_period : int
        Inferences for one output, each of its part of the rows; more than 1 in streams with phases.
    """

    labels: tuple[str, ...]
    window_rows: int
    first_row: int
    step_rows: int
    warm_up_rows: int
    average: int
    refractory_rows: int
    threshold: int
    zero_point: int
    unsigned: bool
    window_samples: int
    hop_samples: int
    sample_rate_hz: int
    output_period: int = 1

    def time_s(self, row: int) -> float:
        """Return how much audio had been heard when row `row` was complete."""
        return (self.window_samples + (row - 1) * self.hop_samples) / self.sample_rate_hz


class Detection(NamedTuple):
    """A keyword that was heard: at which row (from 1), which class, with which sum of outputs."""

    row: int
    label: int
    score: int


def listener(
    decision: Decision,
    spec: FeatureSpec,
    labels: Sequence[str],
    *,
    input_rows: int,
    streams: bool,
    scale: float,
    zero_point: int,
    unsigned: bool,
    output_period: int = 1,
) -> Listener:
    """Return `decision` for one model.

    Parameters
    ----------
    input_rows : int
        Rows that the model takes at each inference.
    streams : bool
        Whether the model remembers older rows itself.
    scale, zero_point, unsigned
        Of the model's output, one value for each of `labels`.
    output_period : int
        Of a model that streams: its output is new at every so many inferences.

    Raises
    ------
    ConfigError
        When no average could exceed the threshold.
    """
    first = input_rows * output_period
    step = first if streams else max(1, decision.interval_ms // spec.hop_ms)
    highest = (255 if unsigned else 127) - zero_point
    threshold = math.floor(decision.threshold * decision.average / scale + 1e-9) + 1
    if threshold > highest * decision.average:
        raise ConfigError(
            f"decision: the average of the model's outputs reaches {highest * scale:g} at most, "
            f"threshold = {decision.threshold:g} is never exceeded",
            "try a lower threshold",
        )
    return Listener(
        labels=tuple(labels),
        window_rows=0 if streams else input_rows,
        first_row=first,
        step_rows=step,
        warm_up_rows=max(spec.frames, _rows(decision.warm_up_ms, spec)),
        average=decision.average,
        refractory_rows=_rows(decision.refractory_ms, spec),
        threshold=threshold,
        zero_point=zero_point,
        unsigned=unsigned,
        window_samples=spec.window_samples,
        hop_samples=spec.hop_samples,
        sample_rate_hz=spec.sample_rate_hz,
        output_period=output_period,
    )


def _rows(ms: int, spec: FeatureSpec) -> int:
    return -(-ms // spec.hop_ms)


def sums(outputs: NDArray[Any], listener: Listener) -> NDArray[np.int64]:
    """Return the sum of the newest `average` outputs at each inference.

    Parameters
    ----------
    outputs : int8 or uint8 (inferences, classes)
        From the first inference on; those of the warm-up count as probability 0.

    Returns
    -------
    int64 (inferences, classes)
    """
    values = outputs.astype(np.int64) - listener.zero_point
    values[rows(len(values), listener) < listener.warm_up_rows] = 0
    total = np.cumsum(np.pad(values, ((listener.average, 0), (0, 0))), axis=0)
    return total[listener.average :] - total[: -listener.average]


def rows(inferences: int, listener: Listener) -> NDArray[np.int64]:
    """Return how many rows had been heard at each inference: int64 (inferences,)."""
    return listener.first_row + listener.step_rows * np.arange(inferences)


def decide(outputs: NDArray[Any], listener: Listener) -> list[Detection]:
    """Return what the device reports, given the model's outputs (inferences, classes)."""
    return detections(sums(outputs, listener), listener, listener.threshold)


def detections(totals: NDArray[np.int64], listener: Listener, threshold: int) -> list[Detection]:
    """Return the detections at `threshold`, given the `sums`: one threshold of a sweep."""
    best = totals.argmax(axis=1)  # the first of equals, as in C
    keyword = np.array([not label.startswith("_") for label in listener.labels])
    highest = totals[np.arange(len(totals)), best]
    heard = np.flatnonzero((highest >= threshold) & keyword[best])
    at = rows(len(totals), listener)[heard]
    found: list[Detection] = []
    position = 0
    while position < len(heard):
        index = heard[position]
        found.append(Detection(int(at[position]), int(best[index]), int(highest[index])))
        # At least one inference on, though nothing were refractory.
        ready = np.searchsorted(at, at[position] + listener.refractory_rows)
        position = max(int(ready), position + 1)
    return found
