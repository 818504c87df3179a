"""Long recordings made of a data set: what is in them, and where the words are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tinykit.audio import noise, wav
from tinykit.audio.datasets.classes import one_against_all
from tinykit.audio.datasets.dataset import Clip, Dataset, Recorded
from tinykit.audio.datasets.generation import NEAR_MISS
from tinykit.audio.datasets.recordings import Loudest, Part
from tinykit.audio.split import SPLITS
from tinykit.config import Data
from tinykit.errors import ConfigError
from tinykit.evaluate import events, rates, streams

RATE_HZ = 8000
LABELS = ("_silence_", "_unknown_", "lumen")


def word(number: int, seconds: float = 1.0) -> np.ndarray:
    """A tone in the middle third of a recording, faint noise around it."""
    rng = np.random.default_rng(number)
    samples = rng.normal(0, 5, round(seconds * RATE_HZ))
    third = len(samples) // 3
    samples[third : 2 * third] += 6000 * np.sin(np.arange(third) * (0.2 + 0.02 * number))
    return samples.astype(np.int16)


@dataclass(frozen=True)
class Said:
    """Audio in memory."""

    number: int

    def samples(self, count: int, rate_hz: int) -> np.ndarray:
        """Return the word."""
        return wav.fit(word(self.number), count)

    def sha256(self) -> str:
        """Return its name."""
        return str(self.number)


def clip(label: int, number: int, split: str, audio: object = None) -> Clip:
    """A clip whose speaker is its number, but for silence."""
    name = f"{split}-{label}-{number}"
    speaker = "" if label == 0 else f"{name}'s"
    return Clip(label, LABELS[label], speaker, split, name, audio or Said(number))  # type: ignore[arg-type]


def dataset(*more: Clip, each: int = 4) -> Dataset:
    """`each` clips of every class and split, and `more`."""
    clips = {
        split: [clip(label, number, split) for number in range(each) for label in range(3)]
        + [one for one in more if one.split == split]
        for split in SPLITS
    }
    return Dataset("test", LABELS, clips, noise.synthesize(RATE_HZ, 5.0), RATE_HZ, RATE_HZ)


def test_everybody_of_the_split_is_heard_once() -> None:
    """All speech of one split, each recording once; silence is what lies between."""
    made = streams.compose(dataset(), "testing", 5.0, seed=0)
    assert (made.wanted, made.others, made.speakers) == (4, 4, 8)
    assert sorted(event.speaker for event in made.events) == [f"testing-2-{n}'s" for n in range(4)]
    assert made.others_s == pytest.approx(4.0)
    assert len(made.audio) / RATE_HZ < 120


def test_words_are_where_the_labels_say() -> None:
    """An event covers the tone, to a few frames, and is loud against what is around it."""
    made = streams.compose(dataset(), "testing", 5.0, seed=0)
    for event in made.events:
        assert event.end_s - event.start_s == pytest.approx(1 / 3, abs=0.08)
        first, last = (round(time * RATE_HZ) for time in (event.start_s, event.end_s))
        assert event.snr_db is not None
        inside = noise.power(made.audio[first:last])
        before = noise.power(made.audio[first - 1600 : first - 800])
        assert 10 * np.log10(inside / max(before, 1.0)) > min(event.snr_db, 30) - 6


def test_a_file_is_not_called_a_speaker() -> None:
    """Where nobody knows who speaks, the labels name nobody."""
    alone = Clip(2, "lumen", "lumen/7.wav", "testing", "lumen/7.wav", Said(7))
    made = streams.compose(dataset(alone), "testing", 5.0, seed=0)
    assert sorted(event.speaker for event in made.events)[:2] == ["", "testing-2-0's"]


def test_near_misses_are_not_everyday_speech() -> None:
    """They are for training and for the confusion matrix; an hour of a day has none of them."""
    near = Clip(1, NEAR_MISS, "near", "testing", "near", Said(9))
    made = streams.compose(dataset(near), "testing", 5.0, seed=0)
    assert (made.others, made.speakers) == (4, 8)


def test_the_same_seed_gives_the_same_recording() -> None:
    """And another seed another one."""
    first, again, other = (streams.compose(dataset(), "testing", 5.0, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.audio, again.audio)
    assert first.events == again.events != other.events


def test_a_limit_of_time_is_kept_and_most_of_it_is_other_speech() -> None:
    """Half a minute: no longer, and the wanted words have a quarter of it at most."""
    made = streams.compose(dataset(each=40), "testing", 0.5, seed=0)
    assert 20 < len(made.audio) / RATE_HZ <= 30
    assert 0 < made.wanted <= 8 < made.others


def test_recordings_are_heard_as_wholes(tmp_path: Path) -> None:
    """Cut into clips for training, or searched for the word: the stream has the whole file."""
    pytest.importorskip("soundfile")
    path, lumen = tmp_path / "long.wav", tmp_path / "lumen.wav"
    wav.write(path, np.concatenate([word(1), word(2), word(3)]), RATE_HZ)
    wav.write(lumen, word(4, 2.0), RATE_HZ)
    parts = [clip(1, 50 + n, "testing", Part(path, float(n))) for n in range(3)]
    found = streams.passages(
        dataset(*parts, clip(2, 60, "testing", Loudest(lumen)), each=1), "testing"
    )
    assert sorted(passage.seconds for passage in found) == [1.0, 1.0, 2.0, 3.0]
    (searched,) = [passage for passage in found if passage.whole == lumen]
    assert searched.wanted and len(searched.samples(RATE_HZ)) == 2 * RATE_HZ


def test_a_file_with_a_wanted_word_in_it_is_heard_by_its_clips(tmp_path: Path) -> None:
    """A day's recording has unmarked and marked speech: as a whole its labels would be wrong."""
    path = tmp_path / "day.wav"
    wav.write(path, np.concatenate([word(1), word(2)]), RATE_HZ)
    clips = [
        clip(label, 50 + label, "testing", Part(path, at)) for label, at in ((2, 0.0), (1, 1.0))
    ]
    found = streams.passages(dataset(*clips, each=1), "testing")
    assert all(passage.whole is None for passage in found)
    assert len(found) == 4
    short = streams.passages(dataset(clip(1, 70, "testing", Recorded(path)), each=1), "testing")
    assert [passage.seconds for passage in short if passage.whole] == [2.0]


def test_the_extent_spans_a_stop() -> None:
    """Two bursts 100 ms apart are one word, 400 ms apart the louder one alone."""
    burst = (3000 * np.sin(np.arange(1600) * 0.3)).astype(np.int16)

    def two(gap_ms: int) -> np.ndarray:
        gap = np.zeros(gap_ms * RATE_HZ // 1000, np.int16)
        edge = np.zeros(4000, np.int16)
        return np.concatenate([edge, burst * 2, gap, burst, edge])

    near, far = (np.diff(streams.extent(two(gap), RATE_HZ))[0] / RATE_HZ for gap in (100, 400))
    assert near == pytest.approx(0.5, abs=0.06)
    assert far == pytest.approx(0.2, abs=0.06)
    assert streams.extent(np.zeros(4000, np.int16), RATE_HZ)[1] <= 4000


def test_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    """The table beside a recording, with and without noise level and speaker."""
    some = [events.Event(0.5, 1.25, "hey lumen", -3.5, "anna"), events.Event(2.0, 2.5, "go")]
    events.write(tmp_path / "x.csv", some)
    assert events.read(tmp_path / "x.csv") == some


@pytest.mark.parametrize(("count", "limit"), [(0, 2.9957), (1, 4.7439), (5, 10.5130)])
def test_limits_of_rare_events(count: int, limit: float) -> None:
    """Garwood's table: one-sided, 95 %."""
    assert rates.poisson_upper(count) == pytest.approx(limit, abs=1e-3)


def test_one_word_against_everything_else() -> None:
    """Silence and other words become one class; the word stays the other."""
    binary = one_against_all(dataset())
    assert binary.labels == ("_unknown_", "lumen")
    counts = np.bincount(binary.targets("training"))
    np.testing.assert_array_equal(counts, [8, 4])
    assert all(clip.label == (clip.word == "lumen") for clip in binary.clips["testing"])
    with pytest.raises(ConfigError, match="one word or phrase"):
        one_against_all(Dataset("x", ("_unknown_", "a", "b"), {}, binary.noise, RATE_HZ, RATE_HZ))


def test_a_wake_word_is_one(tmp_path: Path) -> None:
    """Synthesized data refuses several words before anything is spoken."""
    from tinykit.audio import datasets
    from tinykit.audio.spec import FeatureSpec

    with pytest.raises(ConfigError, match="one word or phrase, not 2"):
        datasets.load(Data(source="synthetic_wake_word", words=["a", "b"]), FeatureSpec())
