"""Decisions in the device's units, and the numpy that makes them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinykit.audio.decision import (
    Decision,
    Detection,
    Listener,
    decide,
    detections,
    listener,
    rows,
    sums,
)
from tinykit.audio.spec import FeatureSpec
from tinykit.errors import ConfigError

SPEC = FeatureSpec(kind="micro")  # 98 rows of 10 ms
OUTPUT = {"scale": 1 / 256, "zero_point": -128, "unsigned": False}
LISTENER = Listener(
    labels=("_noise_", "a", "b"),
    window_rows=4,
    first_row=4,
    step_rows=3,
    warm_up_rows=8,
    average=2,
    refractory_rows=7,
    threshold=100,
    zero_point=-10,
    unsigned=False,
    window_samples=480,
    hop_samples=160,
    sample_rate_hz=16000,
)


def one_by_one(outputs: np.ndarray, how: Listener) -> list[Detection]:
    """The same decisions, an inference at a time."""
    ring, found = [[0] * len(how.labels)] * how.average, []
    for index, output in enumerate(outputs.tolist()):
        row = how.first_row + index * how.step_rows
        if row < how.warm_up_rows:
            continue
        ring = [*ring[1:], [value - how.zero_point for value in output]]
        totals = [sum(column) for column in zip(*ring, strict=True)]
        best = totals.index(max(totals))
        ready = not found or row >= found[-1].row + how.refractory_rows
        if totals[best] >= how.threshold and not how.labels[best].startswith("_") and ready:
            found.append(Detection(row, best, totals[best]))
    return found


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(0, 12), st.integers(-50, 400))
def test_all_at_once_equals_one_by_one(seed, average, refractory_rows, threshold):
    """Any outputs and parameters: the same detections as without numpy."""
    how = dataclasses.replace(
        LISTENER, average=average, refractory_rows=refractory_rows, threshold=threshold
    )
    outputs = np.random.default_rng(seed).integers(-128, 128, (60, 3)).astype(np.int8)
    assert decide(outputs, how) == one_by_one(outputs, how)


def test_no_inference_no_detection():
    """A recording shorter than a window is legal."""
    assert decide(np.zeros((0, 3), np.int8), LISTENER) == []
    assert detections(sums(np.zeros((0, 3), np.int8), LISTENER), LISTENER, 1) == []


def test_a_window_model_in_rows():
    """100 ms are 10 rows; the first inference is at a full window, which is also the warm-up."""
    how = listener(Decision(), SPEC, ["a"], input_rows=98, streams=False, **OUTPUT)
    assert (how.window_rows, how.first_row, how.step_rows) == (98, 98, 10)
    assert (how.warm_up_rows, how.refractory_rows) == (98, 100)


def test_a_stream_in_rows():
    """It runs whenever its rows are there, and is judged after a window, or a longer warm-up."""
    how = listener(Decision(warm_up_ms=1500), SPEC, ["a"], input_rows=3, streams=True, **OUTPUT)
    assert (how.window_rows, how.first_row, how.step_rows, how.warm_up_rows) == (0, 3, 3, 150)


def test_a_stream_with_phases_in_rows():
    """It takes a row at a time, and decides when its output is new, at every fourth of them."""
    how = listener(Decision(), SPEC, ["a"], input_rows=1, streams=True, output_period=4, **OUTPUT)
    assert (how.first_row, how.step_rows, how.output_period) == (4, 4, 4)
    assert rows(3, how).tolist() == [4, 8, 12]


@pytest.mark.parametrize("cutoff", [1, 127, 178, 247, 254])
@pytest.mark.parametrize("average", [1, 3, 5, 10])
def test_threshold_is_exceeded_strictly(cutoff, average):
    """As ESPHome compares: the sum is more than cutoff * window."""
    decision = Decision(threshold=cutoff / 256, average=average)
    output = {"scale": 1 / 256, "zero_point": 0, "unsigned": True}
    how = listener(decision, SPEC, ["a"], input_rows=3, streams=True, **output)
    assert how.threshold == cutoff * average + 1


def test_threshold_that_cannot_be_exceeded_is_rejected():
    """A softmax in int8 reaches 255/256."""
    with pytest.raises(ConfigError, match="never exceeded"):
        listener(Decision(threshold=1.0), SPEC, ["a"], input_rows=98, streams=False, **OUTPUT)


def test_time_is_when_the_row_is_complete():
    """The first row needs a window, each other a hop."""
    assert LISTENER.time_s(1) == 0.03
    assert LISTENER.time_s(98) == 1.0
