from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("espeakng_loader", reason="the synth extra (espeak-ng) is not installed")

from tinykit.audio import near_misses
from tinykit.audio.datasets.generation import FARTHEST_ACCENT, foreign_accents
from tinykit.audio.lexicon import WORDS
from tinykit.audio.near_misses import FARTHEST, NEAREST, choose, ipa, pronounce
from tinykit.audio.phonemes import distance
from tinykit.audio.synthesis import Speaker, Utterance
from tinykit.errors import ConfigError, ToolError


@pytest.fixture(scope="module")
def speaker() -> Iterator[Speaker]:
    """espeak-ng in its process."""
    with Speaker() as running:
        yield running


def test_the_lexicon_is_a_list_of_words() -> None:
    """Each once, in order, letters only."""
    assert list(WORDS) == sorted(set(WORDS)) and all(map(str.isalpha, WORDS))


def test_words_are_pronounced(speaker: Speaker) -> None:
    """Phonemes word by word, in the IPA and in the synthesizer's letters."""
    hey, lumen = pronounce("hey lumen", speaker)
    assert hey.ipa == ("h", "ˈeɪ") and lumen.ipa == ("l", "ˈuː", "m", "ɛ", "n")
    assert len(lumen.letters) == len(lumen.ipa)


def test_what_has_no_sound_is_an_error(speaker: Speaker) -> None:
    """Dots cannot be said; nor is there a voice of any name."""
    with pytest.raises(ConfigError, match="no sound"):
        pronounce("...", speaker)
    with pytest.raises(ToolError, match="no voice `xx`"):
        speaker.pronounce("go", "xx")


@pytest.mark.parametrize("phrase", ["hey lumen", "computer", "stop"])
def test_near_misses_are_near_and_none_is_the_phrase(speaker: Speaker, phrase: str) -> None:
    """Their distances are within the range, nearest first, each said once, of every kind."""
    found = choose(phrase, speaker, 24)
    assert len(found) == 24
    distances = [one.distance for one in found]
    assert distances == sorted(distances) and NEAREST <= distances[0] <= distances[-1] <= FARTHEST
    assert len({one.said for one in found}) == 24 and phrase not in {one.said for one in found}
    assert {one.kind for one in found} == {"words", "part", "sounds"}


def test_the_same_phrase_has_the_same_near_misses(speaker: Speaker) -> None:
    """No draw is made."""
    assert choose("hey lumen", speaker, 10) == choose("hey lumen", speaker, 10)


def test_real_words_are_found(speaker: Speaker) -> None:
    """What a person would name: *commuter* for *computer*, *start* for *stop*."""
    assert "commuter" in {one.said for one in choose("computer", speaker, 24)}
    assert "start" in {one.said for one in choose("stop", speaker, 24)}


def test_phonemes_are_spoken_as_they_are_spelled(speaker: Speaker) -> None:
    """The letters of a phrase between bars sound as the phrase does."""
    words = pronounce("hey lumen", speaker)
    text = near_misses._spelled(words, 0.0).text
    heard = [speaker.say(Utterance(one, "en-us+f2")) for one in ("hey lumen", text)]
    np.testing.assert_array_equal(*heard)


def test_accents_are_those_that_still_say_the_phrase(speaker: Speaker) -> None:
    """Some languages read it nearly alike; those that do not are left out."""
    accents = foreign_accents("computer", speaker)
    assert "de" in accents and "hu" not in accents  # Hungarian reads c as ts
    sounds = ipa(pronounce("computer", speaker))
    assert all(
        distance(sounds, ipa(pronounce("computer", speaker, one))) <= FARTHEST_ACCENT
        for one in accents
    )


def test_no_accent_says_a_near_miss(speaker: Speaker) -> None:
    """What a Frenchman makes of *stop* is the word; it must not be a negative as well."""
    accents = ["fr", "de", "en-gb-x-rp"]
    said = [ipa(pronounce("stop", speaker, accent)) for accent in accents]

    def nearest(found: list[near_misses.NearMiss]) -> float:
        heard = [speaker.pronounce(one.said)[0] for one in found if one.kind == "words"]
        written = [one.said.strip("/") for one in found if one.kind != "words"]
        split = [list(one.replace("ˈ", "").replace(" ", "")) for one in written if "ː" not in one]
        return min(distance(one, other) for one in said for other in [*map(ipa, heard), *split])

    assert nearest(choose("stop", speaker, 24, accents)) >= NEAREST
