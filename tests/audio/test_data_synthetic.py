from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinykit.audio import datasets, synthesis
from tinykit.audio.datasets import SILENCE, UNKNOWN, rendering, synthetic, takes
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.datasets.takes import Take
from tinykit.audio.noise import Noise, power
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS
from tinykit.audio.synthesis import Speaker, Utterance, trim
from tinykit.audio.voices import ACCENTS, VOICES
from tinykit.config import Data
from tinykit.errors import ConfigError, DataError, ToolError

SPEC = FeatureSpec()
SMALL = Data(words=["yes", "no"], voices=6, clips_per_word=20, silence_percent=20.0)

needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="the synth extra (espeakng-loader) is not installed",
)


def _load(data: Data, cache: Path) -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYKIT_CACHE", str(cache))
        return datasets.load(data, SPEC)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests of this file share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def small(cache: Path) -> Dataset:
    """Two words, six voices, spoken once for all tests."""
    return _load(SMALL, cache)


def _audio(dataset: Dataset) -> bytes:
    return b"".join(dataset.audio(split).tobytes() for split in SPLITS)


def test_no_voice_is_in_two_splits() -> None:
    """Voices are shared out to the splits, 70, 15 and 15 percent, and none is in two."""
    voices = takes.split_voices(60, 0)
    assert {split: len(voices[split]) for split in SPLITS} == {
        "training": 42,
        "validation": 9,
        "testing": 9,
    }
    assert len({name for split in SPLITS for name in voices[split]}) == 60


def test_voices_depend_on_the_seed() -> None:
    """Another seed tests on other voices."""
    assert takes.split_voices(60, 0)["testing"] != takes.split_voices(60, 1)["testing"]


def test_more_voices_than_there_are() -> None:
    """The limit is said."""
    with pytest.raises(ConfigError, match=f"voices = 500: espeak-ng has {len(VOICES)}"):
        takes.split_voices(500, 0)


def test_the_plan_has_as_many_clips_as_asked_for() -> None:
    """`clips_per_word` over all splits, 10 percent unknown words, each take with its own name."""
    planned = takes.plan(Data())
    labels = [take.label for take in planned]
    assert all(labels.count(word) == 240 for word in Data().words)
    assert labels.count(UNKNOWN) == 135 + 29 + 29
    assert len({take.source for take in planned}) == len(planned)
    assert not {take.word for take in planned if take.label == UNKNOWN} & set(Data().words)


def test_the_plan_keeps_voices_apart() -> None:
    """A voice of the test says no word in training, unknown words included."""
    planned = takes.plan(Data())
    heard = [{take.voice for take in planned if take.split == split} for split in SPLITS]
    assert not heard[0] & heard[1] and not heard[0] & heard[2] and not heard[1] & heard[2]
    assert sum(map(len, heard)) == 60


def test_utterances_differ_and_repeat() -> None:
    """Each take has its own tempo, pitch and accent, and always the same."""
    first, again = takes.plan(SMALL), takes.plan(SMALL)
    said = [take.utterance() for take in first]
    assert said == [take.utterance() for take in again]
    assert len({(u.voice, u.words_per_minute, u.pitch, u.seed) for u in said}) == len(said)


def test_without_the_extra_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing espeak-ng is a ToolError that says what to install."""
    monkeypatch.setattr(synthesis, "_PACKAGE", "espeakng_loader_that_is_not_there")
    with pytest.raises(ToolError) as caught:
        datasets.load(SMALL, SPEC)
    assert "pip install 'tinykit[synth]'" in caught.value.hint


def test_trim_cuts_silence_at_both_ends() -> None:
    """Only what is quieter than a hundredth of the peak goes."""
    assert trim(np.array([0, 9, 11, 0, -1000, 5], np.int16)).tolist() == [11, 0, -1000]
    assert trim(np.array([0, -32768, 0], np.int16)).tolist() == [-32768]
    assert trim(np.zeros(5, np.int16)).size == trim(np.zeros(0, np.int16)).size == 0


@needs_espeak
def test_an_utterance_does_not_depend_on_what_was_said_before() -> None:
    """The same utterance has the same samples, first or last, in any process."""
    yes, no = (Utterance(word, "en-us+f2", seed=5) for word in ("yes", "no"))
    with Speaker() as speaker:
        first, _, last = (speaker.say(utterance) for utterance in (yes, no, yes))
    with Speaker() as speaker:
        speaker.say(no)
        elsewhere = speaker.say(yes)
    assert len(first) > 0.2 * speaker.rate_hz
    np.testing.assert_array_equal(first, last)
    np.testing.assert_array_equal(first, elsewhere)


@needs_espeak
def test_what_is_asked_for_is_heard() -> None:
    """Voice, accent, tempo, pitch and seed each change the samples; faster is shorter."""
    base = {"text": "stop", "voice": "en-us+m3", "words_per_minute": 120, "pitch": 50, "seed": 1}
    breathy = {"voice": "en-us+whisper"}  # the seed is heard in breath alone
    changes = [
        {},
        {"voice": "en-us+f2"},
        {"voice": "en-gb-scotland+m3"},
        {"words_per_minute": 240},
        {"pitch": 80},
        breathy,
        {**breathy, "seed": 2},
    ]
    with Speaker() as speaker:
        said = [speaker.say(Utterance(**{**base, **change})) for change in changes]
    assert len({samples.tobytes() for samples in said}) == len(changes)
    assert len(trim(said[3])) < 0.8 * len(trim(said[0]))


@needs_espeak
def test_every_voice_and_accent_speaks() -> None:
    """No voice or accent in our lists is unknown to espeak-ng, or silent."""
    combined = [f"{ACCENTS[n % len(ACCENTS)]}+{name}" for n, name in enumerate(VOICES)]
    with Speaker() as speaker:
        for voice in combined:
            assert np.abs(speaker.say(Utterance("yes", voice)).astype(int)).max() > 1000


@needs_espeak
@pytest.mark.parametrize("voice", ["xx-nowhere", "en-us+nobody"])
def test_an_unknown_voice_is_said(voice: str) -> None:
    """espeak-ng would fall back to its default voice; we do not."""
    with Speaker() as speaker, pytest.raises(ToolError, match="no voice"):
        speaker.say(Utterance("yes", voice))


@needs_espeak
def test_a_worker_that_dies_is_said() -> None:
    """When the process ends in the middle of a set, the word is named."""
    with Speaker() as speaker:
        speaker._process.kill()
        speaker._process.wait()
        with pytest.raises(ToolError, match="speak `yes`"):
            speaker.say(Utterance("yes", "en-us+m3"))


@needs_espeak
def test_the_same_seed_gives_the_same_bytes(small: Dataset, tmp_path: Path) -> None:
    """An empty cache is filled with the same data set again."""
    again = _load(SMALL, tmp_path)
    assert _audio(small) == _audio(again)
    assert small.sha256 == again.sha256


@needs_espeak
def test_the_cache_is_used(small: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second load speaks nothing and gives the same bytes."""
    monkeypatch.setattr(Speaker, "say", None)
    assert _audio(_load(SMALL, cache)) == _audio(small)


@needs_espeak
def test_other_code_is_another_data_set(
    small: Dataset, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change in what renders clips is not answered from the cache."""
    monkeypatch.setattr(synthetic, "_CODE", (takes,))
    monkeypatch.setattr(Speaker, "say", None)
    with pytest.raises(TypeError):
        _load(SMALL, cache)


@needs_espeak
def test_an_interrupted_synthesis_leaves_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle: the next run starts anew instead of reading half a set."""

    def interrupt(what: str, done: int, total: int, **figures: float) -> None:
        if done == 5:
            raise KeyboardInterrupt

    monkeypatch.setenv("TINYKIT_CACHE", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        datasets.load(SMALL, SPEC, progress=interrupt)
    assert list((tmp_path / "speech").iterdir()) == []


@needs_espeak
def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ENOSPC while the cache is written is a DataError, and no half-written set stays."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rendering, "render", full)
    with pytest.raises(DataError, match="No space left") as caught:
        _load(SMALL, tmp_path)
    assert "TINYKIT_CACHE" in caught.value.hint
    assert list((tmp_path / "speech").iterdir()) == []


@needs_espeak
def test_clips_hold_a_word_in_noise(small: Dataset) -> None:
    """Words stand at different places, louder than the clip's noise; none is digital silence."""
    peaks = []
    for clip, audio in zip(small.clips["training"], small.audio("training"), strict=True):
        if clip.word != SILENCE:
            energy = [power(audio[start : start + 1600]) for start in range(0, 16000, 1600)]
            assert min(energy) > 0 and max(energy) > 4 * min(energy)
            peaks.append(int(np.argmax(energy)))
    assert len(set(peaks)) >= 4


@needs_espeak
def test_statistics_say_synthetic(small: Dataset) -> None:
    """A synthetic set says so: in its source, its share and its notes."""
    statistics = small.statistics()
    assert statistics["source"] == "synthetic"
    assert statistics["splits"]["testing"]["synthetic_share"] == 1.0
    assert "synthesized" in statistics["notes"][0]
    assert small.labels == (SILENCE, UNKNOWN, "yes", "no")
    assert statistics["splits"]["training"]["classes"] == {
        SILENCE: 6,
        UNKNOWN: 3,
        "yes": 14,
        "no": 14,
    }


@needs_espeak
def test_noise_differs_by_split(small: Dataset) -> None:
    """Every kind of noise, babble included, is another recording in each split."""
    parts = small.noise.parts
    assert set(parts["training"]) == {"white", "pink", "brown", "hum", "babble"}
    for kind in parts["training"]:
        assert len({parts[split][kind].tobytes() for split in SPLITS}) == 3


@needs_espeak
def test_a_word_too_long_for_a_clip_is_said(noise: Noise) -> None:
    """A word is spoken faster where that helps; otherwise word and clip length are named."""
    fits, long = (
        Take(word, word, "m3", "training", 0, 0)
        for word in ("very_international", "the_quick_brown_fox_jumps_over_the_lazy_dog")
    )
    with Speaker() as speaker:
        slow = speaker.say(replace(fits.utterance(), words_per_minute=100))
        assert len(trim(slow)) > speaker.rate_hz
        assert rendering.render(fits, speaker, noise, SPEC).shape == (SPEC.clip_samples,)
        with pytest.raises(ConfigError, match=r"brown fox.* ms, a clip has 1,000 ms"):
            rendering.render(long, speaker, noise, SPEC)
