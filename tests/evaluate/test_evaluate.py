"""Misses, false accepts, intervals and delays on cases whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tinykit.audio.decision import Decision, Listener, decide, listener, sums
from tinykit.audio.spec import FeatureSpec
from tinykit.errors import DataError
from tinykit.evaluate import events, operating, tables
from tinykit.evaluate.events import Event
from tinykit.evaluate.fitting import fit
from tinykit.evaluate.matching import Heard, match
from tinykit.evaluate.operating import Curve
from tinykit.pipeline.fitting import fit_as_near

SPEC = FeatureSpec(kind="micro", clip_ms=100)
SCALE = 1 / 256


def make(decision: Decision) -> Listener:
    """A stream with two keywords, one inference every 100 ms."""
    return listener(
        decision,
        SPEC,
        ["_noise_", "go", "stop"],
        input_rows=10,
        streams=True,
        scale=SCALE,
        zero_point=-128,
        unsigned=False,
    )


def outputs(seconds: float, peaks: dict[float, tuple[int, float]]) -> np.ndarray:
    """Probabilities: noise everywhere but at the peaks (second -> class, probability)."""
    count = int(seconds * 10)
    values = np.zeros((count, 3))
    values[:, 0] = 0.9
    for time_s, (label, probability) in peaks.items():
        values[int(time_s * 10), :] = 0.0
        values[int(time_s * 10), label] = probability
    return np.clip(np.round(values * 256) - 128, -128, 127).astype(np.int8)


def curve_of(peaks: dict[float, tuple[int, float]], said: list[Event], seconds: float) -> Curve:
    """The curve without averaging."""
    how = make(Decision(average=1))
    return operating.curve(sums(outputs(seconds, peaks), how), how, said, seconds)


def heard(*times: float, label: str = "go") -> list[Heard]:
    """Detections of one word."""
    return [Heard(time, label) for time in times]


SAID = [Event(1, 1.5, "go"), Event(5, 5.5, "stop"), Event(9, 9.5, "go")]


@pytest.mark.parametrize(
    ("time_s", "hit"), [(0.99, False), (1.0, True), (1.5, True), (2.5, True), (2.51, False)]
)
def test_a_detection_counts_from_the_start_to_a_second_after_the_end(
    time_s: float, hit: bool
) -> None:
    """The bounds belong to it."""
    found = match(heard(time_s), SAID)
    assert (len(found.hits), len(found.false_accepts)) == ((1, 0) if hit else (0, 1))


def test_another_word_is_a_miss_and_a_false_accept() -> None:
    """`go` where `stop` was said."""
    found = match(heard(5.2), SAID)
    assert found.false_accepts == (0,) and found.missed == (0, 1, 2)


def test_a_word_is_detected_once() -> None:
    """The second detection is a false accept, even while the word lasts."""
    found = match(heard(1.2, 1.4, 9.1), SAID)
    assert found.hits == ((0, 0), (2, 2)) and found.false_accepts == (1,)


def test_words_that_overlap_are_told_apart() -> None:
    """Two of the same word within the tolerance need two detections."""
    said = [Event(1, 1.5, "go"), Event(1.8, 2.2, "go")]
    assert match(heard(1.9, 2.4), said).hits == ((0, 0), (1, 1))


def test_nothing_said_nothing_heard() -> None:
    """Empty sequences are legal."""
    assert match([], []).hits == ()
    assert match([], SAID).missed == (0, 1, 2)
    assert match(heard(3.0), []).false_accepts == (0,)


def test_curve_counts_misses_and_false_accepts_at_each_threshold() -> None:
    """Said at 10 s (0.9) and 20 s (0.5), nothing at 30 s (0.7): 0, 1 and 2 misses."""
    said = [Event(10, 10.5, "go"), Event(20, 20.5, "stop")]
    curve = curve_of({10.2: (1, 0.9), 20.2: (2, 0.5), 30.0: (1, 0.7)}, said, 3600)
    table = {
        int(threshold): (int(m.sum()), int(f.sum()))
        for threshold, m, f in zip(curve.thresholds, curve.misses, curve.false_accepts, strict=True)
    }
    assert table == {128: (0, 1), 179: (1, 1), 230: (1, 0), 231: (2, 0)}
    assert curve.false_accepts_per_hour.tolist() == [1, 1, 0, 0]
    assert curve.false_reject_rate.tolist() == [0, 0.5, 0.5, 1]


@pytest.mark.parametrize(("limit", "rate", "threshold"), [(1.0, 0.0, 128), (0.5, 0.5, 230)])
def test_operating_point_keeps_the_limit(limit: float, rate: float, threshold: int) -> None:
    """The least misses within it, at the highest threshold that has them."""
    said = [Event(10, 10.5, "go"), Event(20, 20.5, "stop")]
    curve = curve_of({10.2: (1, 0.9), 20.2: (2, 0.5), 30.0: (1, 0.7)}, said, 3600)
    point = operating.operating(curve, limit)
    assert (point.rate, point.threshold) == (rate, threshold)
    assert point.low <= point.rate <= point.high


def test_a_limit_that_nothing_keeps_is_said() -> None:
    """One threshold, one false accept: no operating point below it; all counts as missed."""
    one = np.ones((1, 1), np.int64)
    curve = Curve(np.array([5]), 0 * one, one, one[0], np.array([3600.0]))
    point = operating.operating(curve, 0.5)
    assert point.threshold is None and point.rate == 1.0


def test_interval_covers_a_known_rate() -> None:
    """Each of 300 events missed with probability 0.2: of 100 intervals 85 or more hold 0.2."""
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(100):
        misses = rng.binomial(5, 0.2, 60).astype(np.int64)[None]
        curve = Curve(np.array([1]), misses, 0 * misses, np.full(60, 5), np.full(60, 30.0))
        point = operating.operating(curve, 0.5, seed)
        covered += point.low <= 0.2 <= point.high
    assert 85 <= covered <= 100


def test_more_recording_narrows_the_interval() -> None:
    """Ten times the segments: a third of the width."""
    misses = np.tile([[0, 1, 0, 2, 0, 0]], 5)
    widths = []
    for times in (1, 10):
        m = np.tile(misses, times)
        segments = m.shape[1]
        curve = Curve(np.array([1]), m, 0 * m, np.full(segments, 5), np.full(segments, 30.0))
        point = operating.operating(curve, 0.5)
        widths.append(point.high - point.low)
    assert 0.2 < widths[1] / widths[0] < 0.45


def test_delay_is_from_the_end_of_the_word() -> None:
    """0.2 s before, 0.4 s after: the median lies between."""
    found = heard(1.3, 9.9)
    late = tables.latency(found, SAID, match(found, SAID))
    assert late is not None
    assert late.median_s == pytest.approx(0.1) and late.worst_s == pytest.approx(0.4)
    assert tables.latency([], SAID, match([], SAID)) is None


def test_tables_group_by_noise_and_speaker() -> None:
    """By 5 dB from below; speakers with most misses first; unknown ones are left out."""
    said = [
        Event(1, 2, "go", -3.0, "ann"),
        Event(11, 12, "go", 4.9, "bob"),
        Event(21, 22, "go", 5.0, "bob"),
        Event(31, 32, "go"),
    ]
    found = match(heard(1.5, 21.5), said)
    assert tables.by_snr(said, found) == [
        tables.Row("-5 to 0 dB", 1, 0),
        tables.Row("0 to 5 dB", 1, 1),
        tables.Row("5 to 10 dB", 1, 0),
    ]
    assert tables.by_speaker(said, found) == [tables.Row("bob", 2, 1), tables.Row("ann", 1, 0)]
    assert tables.by_label(said, found) == [tables.Row("go", 4, 2)]


def test_intervals_of_groups_are_wilsons() -> None:
    """Known values of the score interval; none and all missed still leave room."""
    row = tables.Row("go", 10, 3)
    assert (row.low, row.high) == (pytest.approx(0.1078, abs=1e-4), pytest.approx(0.6032, abs=1e-4))
    none, every = tables.Row("go", 20, 0), tables.Row("go", 20, 20)
    assert none.low == 0 and none.high == pytest.approx(0.1611, abs=1e-4)
    assert every.high == 1 and every.low == pytest.approx(1 - none.high)


def test_fitting_finds_the_average_that_tells_words_from_peaks() -> None:
    """Words last three inferences, noise peaks one: one inference cannot tell them, three can."""
    peaks, said = {}, []
    for start in range(10, 590, 20):
        said.append(Event(start, start + 0.5, "go"))
        peaks |= {start + 0.2 + 0.1 * i: (1, 0.8) for i in range(3)}
        peaks[start + 10.0] = (1, 0.95)
    given = outputs(600, peaks)
    found = fit(given, Decision(), make, SCALE, said, 600, 0.5)
    assert found.decision.average in (2, 3)
    assert found.reached.rate == 0.0
    how = make(found.decision)
    assert how.threshold == found.reached.threshold
    times = [Heard(how.time_s(d.row), how.labels[d.label]) for d in decide(given, how)]
    assert len(match(times, said).hits) == len(said) == len(times)


def test_fitted_threshold_survives_json() -> None:
    """Written as a probability and read again, it is the same sum."""
    for average in (1, 3, 7, 30):
        for total in range(1, 255 * average, 7):
            threshold = round((total - 0.5) * SCALE / average, 6)
            decision = Decision(threshold=threshold, average=average)
            again = msgspec.json.decode(msgspec.json.encode(decision), type=Decision)
            assert make(again).threshold == total


def test_nothing_to_fit_is_an_error() -> None:
    """No keyword, or none that is ever detected: a DataError."""
    with pytest.raises(DataError, match="no keyword"):
        fit(outputs(60, {}), Decision(), make, SCALE, [], 60, 0.5)
    with pytest.raises(DataError, match="no parameters keep"):
        fit(outputs(60, {}), Decision(), make, SCALE, SAID, 60, 0.5)


def test_events_are_read_in_order_of_time(tmp_path: Path) -> None:
    """Optional columns may be empty or left out."""
    path = tmp_path / "x.csv"
    path.write_text("label,start_s,end_s,snr_db,speaker\nstop,5,5.5,,\ngo,1,1.5,10,ann\n")
    assert events.read(path) == [Event(1, 1.5, "go", 10.0, "ann"), Event(5, 5.5, "stop")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "missing"),
        ("a,b\n1,2\n", "a, b"),
        ("start_s,end_s,label,colour\n", "colour"),
        ("start_s,end_s,label\n1,x,go\n", "line 2: end_s is 'x'"),
        ("start_s,end_s,label\n1,nan,go\n", "line 2: end_s is 'nan'"),
        ("start_s,end_s,label\n1,,go\n", "line 2: end_s"),
        ("start_s,end_s,label\n2,1,go\n", "line 2: 'go' goes from 2 s to 1 s"),
        ("start_s,end_s,label\n1,2,\n", "line 2: no label"),
        ("start_s,end_s,label,snr_db\n1,2,go,loud\n", "line 2: snr_db is 'loud'"),
    ],
)
def test_wrong_labels_are_named(tmp_path: Path, text: str, said: str) -> None:
    """File, line, column and value."""
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        events.read(path)
    assert said in caught.value.message and caught.value.hint


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    """No traceback."""
    with pytest.raises(DataError, match="No such file"):
        events.read(tmp_path / "none.csv")


def test_a_model_that_cannot_keep_the_limit_is_fitted_to_the_next() -> None:
    """The limit that was asked for when it can be kept, else the lowest that can, else an error."""

    def keeps(least: float) -> Callable[[float], dict[str, float]]:
        def fit(limit: float) -> dict[str, float]:
            if limit < least:
                raise DataError(f"nothing keeps {limit:g}")
            return {"limit": limit}

        return fit

    assert fit_as_near(keeps(0.5), 0.5) == {"limit": 0.5}
    assert fit_as_near(keeps(3.0), 0.5) == {"limit": 10.0}
    assert fit_as_near(keeps(150.0), 60.0) == {"limit": 200.0}
    with pytest.raises(DataError, match="nothing keeps 200"):
        fit_as_near(keeps(1000.0), 0.5)
