from __future__ import annotations

import pytest

from tinykit.audio.phonemes import distance, is_vowel, substitution

HEY_LUMEN = ["h", "ˈeɪ", "l", "ˈuː", "m", "ɛ", "n"]


def test_the_same_sounds_have_no_distance() -> None:
    """Stress does not count, nor an American *r* after a vowel of the middle."""
    assert distance(HEY_LUMEN, ["h", "eɪ", "l", "uː", "m", "ɛ", "n"]) == 0.0
    assert substitution("ə", "ɚ") == 0.0


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (("p", "b"), ("p", "z")),
        (("i", "ɪ"), ("i", "ɑ")),
        (("m", "n"), ("m", "s")),
        (("t", "ɾ"), ("t", "k")),
    ],
)
def test_like_sounds_are_nearer(near: tuple[str, str], far: tuple[str, str]) -> None:
    """Articulation decides: voicing is a small step, another place and manner a large one."""
    assert 0 < substitution(*near) < substitution(*far) <= 1
    assert substitution(*near) == substitution(*near[::-1])


def test_vowels_and_consonants_have_nothing_in_common() -> None:
    """Nor has a sound that we do not know."""
    assert substitution("p", "a") == substitution("ǃ", "a") == 1.0
    assert is_vowel("ˈeɪ") and is_vowel("uː") and not is_vowel("tʃ")


def test_one_edit_costs_its_share_of_the_phrase() -> None:
    """A sound more costs a whole one over the longer phrase, a weak one half of it."""
    assert distance(["s", "t", "ɑ"], ["s", "t", "ɑ", "p"]) == 0.25
    assert distance(["t", "ɑ", "p"], ["t", "ɑ", "p", "ə"]) == 0.125
    assert distance([], ["p"]) == 1.0 and distance([], []) == 0.0


def test_distance_has_two_sides() -> None:
    """It is the same from either side, and 1 at most."""
    other = ["k", "ə", "m", "p", "j", "ˈuː", "ɾ", "ɚ"]
    assert distance(HEY_LUMEN, other) == pytest.approx(distance(other, HEY_LUMEN))
    assert 0.4 < distance(HEY_LUMEN, other) <= 1.0


def test_diphthongs_are_compared_at_both_ends() -> None:
    """`aɪ` is nearer to `eɪ`, which ends alike, than to `aʊ` ... and than to `uː`."""
    assert substitution("aɪ", "eɪ") < substitution("aɪ", "uː")
