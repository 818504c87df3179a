from __future__ import annotations

import numpy as np
import pytest

from tinykit.audio.noise import COLOURS, Noise, at_level, coloured, cut, power, synthesize
from tinykit.audio.seeded import generator
from tinykit.audio.split import SPLITS


def _level_db(samples: np.ndarray) -> float:
    return 10 * np.log10(power(samples) / 32768**2)


def test_splits_get_disjoint_stretches_of_each_recording() -> None:
    """Each sample of a recording belongs to exactly one split: 70, 15 and 15 percent."""
    recording = np.arange(20_000, dtype=np.int16)
    parts = cut({"tap": recording}).parts
    pieces = [parts[split]["tap"] for split in ("training", "validation", "testing")]
    np.testing.assert_array_equal(np.concatenate(pieces), recording)
    assert [len(piece) for piece in pieces] == [14_000, 3_000, 3_000]


def test_excerpts_stay_within_their_split() -> None:
    """No excerpt of one split holds a sample of another."""
    noise = cut({"tap": np.arange(20_000, dtype=np.int16)})
    seen = {
        split: np.unique([noise.excerpt(split, 100, generator(split, n)) for n in range(300)])
        for split in SPLITS
    }
    assert seen["training"].max() < 14_000
    assert seen["validation"].min() >= 14_000 and seen["validation"].max() < 17_000
    assert seen["testing"].min() >= 17_000


def test_excerpts_reach_every_place_and_recording() -> None:
    """Excerpts come from all recordings, from the first sample to the last."""
    noise = Noise({"training": {"a": np.arange(8), "b": np.arange(8, 16)}})
    drawn = [noise.excerpt("training", 4, generator(n)).tolist() for n in range(300)]
    assert {row[0] for row in drawn} == {*range(5), *range(8, 13)}


def test_a_short_recording_is_repeated() -> None:
    """A part shorter than a clip fills it by repetition."""
    noise = Noise({"training": {"a": np.array([1, 2, 3], np.int16)}})
    assert noise.excerpt("training", 7, generator(0)).tolist() == [1, 2, 3, 1, 2, 3, 1]


def test_a_recording_too_short_to_share_is_left_out() -> None:
    """A recording that cannot give every split a sample goes to none."""
    parts = cut({"click": np.ones(2, np.int16), "tap": np.ones(100, np.int16)}).parts
    assert {tuple(parts[split]) for split in SPLITS} == {("tap",)}


def test_silence_has_many_levels_and_digital_silence(noise: Noise) -> None:
    """Silence clips range from a quiet to a loud room; about one in ten is all zeros."""
    clips = [noise.silence("training", 4000, generator("s", n)) for n in range(400)]
    zeros = [clip for clip in clips if not clip.any()]
    levels = [_level_db(clip) for clip in clips if clip.any()]
    assert 0.05 < len(zeros) / len(clips) < 0.16
    assert min(levels) < -65 and -30 < max(levels) < -24.9


def test_at_level_sets_the_level_and_never_clips() -> None:
    """The RMS is as asked for; where that would clip, the peak reaches full scale instead."""
    rng = np.random.default_rng(0)
    samples = (rng.standard_normal(16000) * 300).astype(np.int16)
    assert _level_db(at_level(samples, -20.0)) == pytest.approx(-20.0, abs=0.01)
    assert np.abs(at_level(samples, 0.0).astype(int)).max() == 32767
    assert not at_level(np.zeros(10, np.int16), -20.0).any()


@pytest.mark.parametrize(
    ("kind", "db_an_octave"), [("white", 0.0), ("pink", -3.0), ("brown", -6.0)]
)
def test_coloured_noise_falls_as_its_name_says(kind: str, db_an_octave: float) -> None:
    """Power density over frequency has the slope of the colour."""
    samples = coloured(kind, 1 << 18, 16000, generator(kind))
    spectrum = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    frequency = np.fft.rfftfreq(1 << 18, 1 / 16000)
    octaves = [
        10 * np.log10(spectrum[(frequency >= low) & (frequency < 2 * low)].mean())
        for low in (100, 200, 400, 800, 1600, 3200)
    ]
    assert np.diff(octaves) == pytest.approx([db_an_octave] * 5, abs=0.7)


def test_hum_is_mains_frequency_and_harmonics() -> None:
    """The strongest lines of hum are multiples of 50 or 60 Hz."""
    samples = coloured("hum", 16000, 16000, generator("hum"))
    strongest = np.argsort(np.abs(np.fft.rfft(samples.astype(float))))[-5:]
    assert set(strongest % 50) == {0} or set(strongest % 60) == {0}


def test_synthesized_noise_repeats_and_differs_by_split() -> None:
    """The same seed gives the same bytes; each split and each seed has noise of its own."""
    first, again, other = (synthesize(16000, 0.5, seed) for seed in (1, 1, 2))
    for kind in COLOURS:
        heard = [first.parts[split][kind].tobytes() for split in SPLITS]
        assert heard == [again.parts[split][kind].tobytes() for split in SPLITS]
        assert len({*heard, *(other.parts[split][kind].tobytes() for split in SPLITS)}) == 6
