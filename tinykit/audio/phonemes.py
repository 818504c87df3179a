"""How alike two words sound: an edit distance over phonemes, weighed by how they are articulated.

A substitution costs as much as the two sounds differ in place, manner and voicing (consonants), or
in height, backness, rounding and length (vowels); `/p/` and `/b/` are near, `/p/` and `/a/` far.
The recursion is Levenshtein's (Soviet Physics Doklady 10, 1966); features are those of the chart of
the International Phonetic Association.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

# Consonant: (place from lips 0 to throat 10, openness from stop 0 to glide 5, voiced).
_CONSONANTS = {
    "p": (0, 0, 0), "b": (0, 0, 1), "m": (0, 1, 1), "f": (1, 3, 0), "v": (1, 3, 1),
    "θ": (2, 3, 0), "ð": (2, 3, 1), "t": (3, 0, 0), "d": (3, 0, 1), "n": (3, 1, 1),
    "ɾ": (3, 2, 1), "s": (3, 3, 0), "z": (3, 3, 1), "l": (3, 4, 1), "ɫ": (3, 4, 1),
    "r": (4, 4, 1), "ɹ": (4, 4, 1), "ʃ": (5, 3, 0), "ʒ": (5, 3, 1), "tʃ": (5, 1.5, 0),
    "dʒ": (5, 1.5, 1), "j": (6, 5, 1), "ç": (6, 3, 0), "k": (7, 0, 0), "ɡ": (7, 0, 1),
    "ŋ": (7, 1, 1), "x": (7, 3, 0), "w": (7, 5, 1), "ʁ": (8, 3, 1), "ʔ": (10, 0, 0),
    "h": (10, 3, 0),
}  # fmt: skip
_NASALS = frozenset("mnŋ")

# Vowel: (openness from close 0 to open 6, backness from front 0 to back 4, rounded).
_VOWELS = {
    "i": (0, 0, 0), "y": (0, 0, 1), "ɨ": (0, 2, 0), "ʉ": (0, 2, 1), "u": (0, 4, 1),
    "ɪ": (1, 1, 0), "ʊ": (1, 3, 1), "ᵻ": (1, 2, 0), "e": (2, 0, 0), "ø": (2, 0, 1),
    "o": (2, 4, 1), "ə": (3, 2, 0), "ɚ": (3, 2, 0), "ɐ": (5, 2, 0), "ɛ": (4, 0, 0),
    "œ": (4, 0, 1), "ɜ": (4, 2, 0), "ʌ": (4, 3, 0), "ɔ": (4, 4, 1), "æ": (5, 0, 0),
    "a": (6, 1, 0), "ɑ": (6, 4, 0), "ɒ": (6, 4, 1),
}  # fmt: skip

_ALLOPHONES = {frozenset("ɾt"): 0.1, frozenset("ɾd"): 0.1}
"""The same sound to a listener: the middle of *water*, in America and elsewhere."""

_WEAK = frozenset({"ə", "h", "ʔ", "j"})
_WEAK_COST = 0.5  # sounds that careless speech leaves out, or puts in
_MARKS = str.maketrans("", "", "ˈˌ̩̯ʲ̃")


def bare(phoneme: str) -> str:
    """Return a phoneme without its stress."""
    return phoneme.translate(_MARKS)


def distance(first: Sequence[str], second: Sequence[str]) -> float:
    """Return how different two pronunciations are: 0 the same, 1 nothing in common.

    Parameters
    ----------
    first, second : sequence of str
        Phonemes in IPA; stress does not count.

    Returns
    -------
    float
        Cost of the cheapest edits over the length of the longer one.
    """
    one, other = ([bare(phoneme) for phoneme in word if bare(phoneme)] for word in (first, second))
    row = [0.0]
    for phoneme in other:
        row.append(row[-1] + _alone(phoneme))
    for left in one:
        above, row = row, [row[0] + _alone(left)]
        for column, right in enumerate(other, 1):
            row.append(
                min(
                    above[column] + _alone(left),
                    row[-1] + _alone(right),
                    above[column - 1] + substitution(left, right),
                )
            )
    return row[-1] / max(len(one), len(other), 1)


def _alone(phoneme: str) -> float:
    """Return the cost of a sound that only one of two words has."""
    return _WEAK_COST if phoneme in _WEAK else 1.0


@lru_cache(maxsize=1 << 14)
def substitution(first: str, second: str) -> float:
    """Return how different two phonemes are, 0 to 1; those we do not know differ wholly."""
    if first == second:
        return 0.0
    if pair := _ALLOPHONES.get(frozenset((first, second))):
        return pair
    if first in _CONSONANTS and second in _CONSONANTS:
        return _consonants(first, second)
    if is_vowel(first) and is_vowel(second):
        return _vowels(first, second)
    return 1.0


def is_vowel(phoneme: str) -> bool:
    """Return whether a phoneme (stress or not) is a vowel or a diphthong."""
    return bare(phoneme)[:1] in _VOWELS


def _consonants(first: str, second: str) -> float:
    place, manner, voice = (
        abs(a - b) for a, b in zip(_CONSONANTS[first], _CONSONANTS[second], strict=True)
    )
    nasal = (first in _NASALS) != (second in _NASALS)
    return min(1.0, 0.1 * place + 0.12 * manner + 0.2 * voice + 0.2 * nasal)


def _vowels(first: str, second: str) -> float:
    """Compare where two vowels begin and where they end; diphthongs have two ends."""
    long = ("ː" in first) != ("ː" in second)
    pairs = []
    for index in (0, -1):
        ends = [
            [letter for letter in vowel if letter in _VOWELS][index] for vowel in (first, second)
        ]
        height, back, rounded = (
            abs(a - b) for a, b in zip(_VOWELS[ends[0]], _VOWELS[ends[1]], strict=True)
        )
        pairs.append(0.12 * height + 0.12 * back + 0.1 * rounded)
    return min(1.0, 0.1 * long + sum(pairs) / 2)
