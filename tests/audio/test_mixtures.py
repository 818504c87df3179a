"""Speech in noise: drawn by number, at the ratio and level that were asked for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from tinykit import config
from tinykit.audio import enhancement_sources, mixtures, wav
from tinykit.audio.mixtures import Mixture, Sources
from tinykit.audio.split import Split
from tinykit.config import Mixtures
from tinykit.errors import ConfigError, DataError

SETTINGS = Mixtures(seconds=1.0)


def _sources() -> Sources:
    rng = np.random.default_rng(0)

    def sounds(*names: str) -> dict[str, np.ndarray]:
        return {name: (3000 * rng.standard_normal(40000)).astype(np.int16) for name in names}

    return Sources(
        {"training": sounds("a", "b"), "validation": sounds("c"), "testing": sounds("d", "e")},
        {"training": sounds("rain"), "validation": sounds("fan"), "testing": sounds("car")},
        16000,
    )


SOURCES = _sources()


def _record(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.name))
    wav.write(path, (1000 * rng.standard_normal(1600)).astype(np.int16), 16000)


def _snr_db(found: Mixture) -> float:
    clean = found.clean.astype(float)
    noise = found.noisy.astype(float) - clean
    return float(10 * np.log10(np.mean(clean**2) / np.mean(noise**2)))


def test_a_number_gives_the_same_mixture() -> None:
    """Whatever was drawn before."""
    first = mixtures.draw(SOURCES, "training", SETTINGS, 7)
    mixtures.draw(SOURCES, "training", SETTINGS, 8)
    again = mixtures.draw(SOURCES, "training", SETTINGS, 7)
    other = mixtures.draw(SOURCES, "training", SETTINGS, 9)
    assert np.array_equal(first.noisy, again.noisy)
    assert not np.array_equal(first.noisy, other.noisy)
    assert len(first.noisy) == len(first.clean) == 16000


def test_babble_is_made_of_the_other_speakers_of_the_split() -> None:
    """As often as was asked for, at the ratio that was drawn; without it nothing changes."""
    rng = np.random.default_rng(1)
    tones = {
        f"{hertz}": (8000 * np.sin(2 * np.pi * hertz * np.arange(40000) / 16000)).astype(np.int16)
        for hertz in (500, 1000, 2000, 4000)
    }
    hiss = {"hiss": rng.integers(-9, 9, 40000, np.int16)}
    sources = Sources({"validation": tones}, {"validation": hiss}, 16000)
    settings = msgspec.structs.replace(SETTINGS, babble_probability=0.5)
    names = []
    for number in range(40):
        found = mixtures.draw(sources, "validation", settings, number)
        names.append(found.noise)
        assert _snr_db(found) == pytest.approx(found.snr_db, abs=0.2)
        if found.noise == "babble":
            noise = found.noisy.astype(float) - found.clean
            heard = np.abs(np.fft.rfft(noise))  # one bin is 1 Hz
            assert heard[int(found.speaker)] < 0.05 * heard.max()
            assert int(np.argmax(heard)) in map(int, tones)
    assert 10 < names.count("babble") < 30
    plain = mixtures.draw(sources, "validation", SETTINGS, 3)
    assert plain.noise == "hiss"


@pytest.mark.parametrize("what", ["speech", "noise", "babble"])
def test_speed_varies_in_training(what: str) -> None:
    """A tone has another pitch in each mixture, within the range, and its own outside training."""
    tone = (8000 * np.sin(2 * np.pi * 1000 * np.arange(64000) / 16000)).astype(np.int16)
    hiss = np.random.default_rng(2).integers(-9, 9, 64000, np.int16)
    speech = {"speech": {"a": tone}, "noise": {"a": hiss}, "babble": {"a": tone, "b": tone}}[what]
    noise = tone if what == "noise" else hiss
    splits: tuple[Split, ...] = ("training", "validation")
    sources = Sources(
        {split: speech for split in splits}, {split: {"n": noise} for split in splits}, 16000
    )
    probability = 1.0 if what == "babble" else 0.0
    settings = msgspec.structs.replace(
        SETTINGS, speed=(0.8, 1.2), babble_probability=probability, snr_db=(0.0, 0.0)
    )

    def hertz(split: Split, number: int) -> int:
        found = mixtures.draw(sources, split, settings, number)
        heard = found.clean if what == "speech" else found.noisy.astype(float) - found.clean
        return int(np.argmax(np.abs(np.fft.rfft(heard))))

    heard = [hertz("training", number) for number in range(20)]
    assert 795 <= min(heard) < 900 and 1100 < max(heard) <= 1205
    assert {hertz("validation", number) for number in range(5)} == {1000}


def test_ratio_and_level_are_as_drawn() -> None:
    """Over many mixtures, within rounding."""
    settings = msgspec.structs.replace(SETTINGS, snr_db=(-5.0, 5.0), level_db=(-30.0, -20.0))
    for number in range(20):
        found = mixtures.draw(SOURCES, "training", settings, number)
        level = 20 * np.log10(np.sqrt(np.mean(found.noisy.astype(float) ** 2)) / 32768)
        assert -5.0 <= found.snr_db <= 5.0
        assert _snr_db(found) == pytest.approx(found.snr_db, abs=0.1)
        assert -30.1 <= level <= -19.9


def test_whole_recordings_meet_the_same_noise_at_every_ratio() -> None:
    """One mixture for each speaker of the split."""
    loud, quiet = (mixtures.whole(SOURCES, "testing", snr, 0, -26.0) for snr in (0.0, 10.0))
    assert [one.speaker for one in loud] == ["d", "e"]
    assert [one.noise for one in loud] == [one.noise for one in quiet]
    assert _snr_db(loud[0]) == pytest.approx(0.0, abs=0.05)
    assert _snr_db(quiet[1]) == pytest.approx(10.0, abs=0.05)


def test_nobody_is_in_two_splits() -> None:
    """A name has one split, given splits for measuring stand, training is held out of."""
    splits = {name: enhancement_sources.split_of(name, SETTINGS) for name in map(str, range(300))}
    counts = [list(splits.values()).count(split) for split in ("training", "validation", "testing")]
    assert counts[0] > 200 and min(counts) > 10
    assert enhancement_sources.split_of("5", SETTINGS, "testing") == "testing"


def test_folders_are_read(tmp_path: Path) -> None:
    """Speech by speaker, noise by origin, each in one split."""
    for kind in ("speech", "noise"):
        for number in range(60):
            _record(tmp_path / kind / "all" / f"{number}.wav")
    settings = Mixtures(speech="speech", noise="noise")
    found = enhancement_sources.load(settings, 16000, tmp_path)
    names = [set(found.speech[split]) for split in ("training", "validation", "testing")]
    assert sum(map(len, names)) == len(set.union(*names)) == 60
    assert all(found.noise.values())


def test_an_offset_is_no_sound(tmp_path: Path) -> None:
    """It is taken off, and a recording of nothing else is left out."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "speech" / "all"
    folder.mkdir(parents=True)
    for number in range(60):
        sound = (9000 + 500 * rng.standard_normal(1600)).astype(np.int16)
        wav.write(folder / f"{number}.wav", sound, 16000)
    wav.write(folder / "constant.wav", np.full(1600, 9000, np.int16), 16000)
    found = enhancement_sources.load(Mixtures(speech="speech", noise="speech"), 16000, tmp_path)
    every = {name: part for parts in found.speech.values() for name, part in parts.items()}
    assert len(every) == 60
    assert all(abs(part.mean()) < 1.0 and 400 < part.std() < 600 for part in every.values())


def test_one_path_alone_is_refused(tmp_path: Path) -> None:
    """Recorded speech in computed noise, or the other way round, is no set to measure on."""
    with pytest.raises(ConfigError, match="none for noise"):
        enhancement_sources.load(Mixtures(speech="somewhere"), 16000, tmp_path)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("snr_db = [5.0, -5.0]", "lowest first"),
        ("level_db = [-30.0, 6.0]", "-100 to 0"),
        ("speed = [0.1, 1.0]", "0.5 to 2"),
    ],
)
def test_ranges_are_checked(tmp_path: Path, table: str, says: str) -> None:
    """The lowest first, and a level that is not above full scale."""
    project = '[project]\nname = "a"\ntask = "speech-enhancement"\nboard = "mps2-an386"\n'
    (tmp_path / config.FILE).write_text(f"{project}[mixtures]\n{table}\n")
    with pytest.raises(ConfigError) as error:
        config.load(tmp_path)
    assert says in str(error.value)


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    """Two speakers are too few for three splits."""
    for name in ("a", "b"):
        _record(tmp_path / "speech" / name / "1.wav")
    with pytest.raises(DataError, match="none of them for"):
        enhancement_sources.load(Mixtures(speech="speech", noise="speech"), 16000, tmp_path)


def test_synthesized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Voices and noises for every split, none of them silent, the same from the cache."""
    pytest.importorskip("espeakng_loader", reason="the synth extra is not installed")
    monkeypatch.setenv("TINYKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(enhancement_sources, "SYNTHETIC_VOICES", 6)
    monkeypatch.setattr(enhancement_sources, "SYNTHETIC_WORDS", 5)
    found = enhancement_sources.load(Mixtures(), 16000, tmp_path)
    assert found.synthetic
    assert {split: len(voices) for split, voices in found.speech.items()} == {
        "training": 4,
        "validation": 1,
        "testing": 1,
    }
    assert all(part.any() for parts in found.noise.values() for part in parts.values())
    again = enhancement_sources.load(Mixtures(), 16000, tmp_path)
    for split, voices in found.speech.items():
        assert all(np.array_equal(voices[name], again.speech[split][name]) for name in voices)


@pytest.mark.recorded
@pytest.mark.slow
def test_recorded(shared_data: Path) -> None:
    """LibriSpeech's speakers and the noise beside them: all there, nobody in two splits."""
    manifest = str(shared_data / "MANIFEST.csv")
    settings = Mixtures(
        speech=manifest,
        speech_categories=["libri_train-clean-100"],
        noise=manifest,
        noise_categories=["esc10", "msnsd_noise", "noise", "sc_bg"],
    )
    found = enhancement_sources.load(settings, 16000, shared_data)
    for parts, least in ((found.speech, 190), (found.noise, 140)):
        names = [name for split in parts.values() for name in split]
        assert len(names) == len(set(names)) >= least
        assert all(parts.values())
