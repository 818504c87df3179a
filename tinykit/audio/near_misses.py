"""Phrases that sound almost like a wake word: what it must not wake for.

Three kinds, ranked by their phonetic distance from the phrase: real words put in place of one of
its words, the phrase cut short, and words that do not exist, with one sound exchanged or left out.
What is nearer than `NEAREST` is left out: it could be the phrase itself, spoken carelessly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tinykit.audio.lexicon import WORDS
from tinykit.audio.phonemes import bare, distance, is_vowel, substitution
from tinykit.audio.synthesis import Speaker, Word
from tinykit.errors import ConfigError

NEAREST, FARTHEST = 0.06, 0.5
"""Range of distances: below, it is the phrase; above, it is just another phrase."""

VOICE = "en-us"
"""Whose pronunciation counts."""


@dataclass(frozen=True)
class NearMiss:
    """A phrase to reject.

    Attributes
    ----------
    text : str
        What the synthesizer is given: words, or phonemes in ``[[ ]]``.
    said : str
        How a person would write it: words, or its IPA between slashes.
    kind : str
        `words`, `part` or `sounds`.
    distance : float
        From the wake word, by `phonemes.distance`.
    """

    text: str
    said: str
    kind: str
    distance: float


@dataclass(frozen=True)
class Candidate:
    """A phrase that may be a near miss: its pronunciation, and what its changes cost at most."""

    text: str
    said: str
    words: Sequence[Word]
    cost: float


def choose(
    phrase: str, speaker: Speaker, count: int, accents: Sequence[str] = ()
) -> list[NearMiss]:
    """Return the `count` nearest of each kind in turn, nearest first; the same in every run.

    Parameters
    ----------
    phrase : str
    speaker : Speaker
    count : int
    accents : sequence of str
        Voices that say the phrase as well: what is too near to how one of them says it is left
        out.

    Raises
    ------
    ConfigError
        When the phrase has no sound.
    """
    target = pronounce(phrase, speaker)
    known = dict(zip(WORDS, (clause[0] for clause in _lexicon(speaker)), strict=True))
    kinds = {
        "words": _other_words(phrase.split(), target, known),
        "part": _parts(phrase.split(), target),
        "sounds": _other_sounds(target, _inventory([*target, *known.values()])),
    }
    said = [ipa(target), *(ipa(pronounce(phrase, speaker, accent)) for accent in accents)]
    seen: set[str] = set()
    ranked = [_nearest(kind, some, said, count, seen) for kind, some in kinds.items()]
    turns = [
        kind[turn] for turn in range(max(map(len, ranked))) for kind in ranked if turn < len(kind)
    ]
    return sorted(turns[:count], key=lambda one: (one.distance, one.text))


def _nearest(
    kind: str,
    candidates: Iterable[Candidate],
    said: Sequence[Sequence[str]],
    count: int,
    seen: set[str],
) -> list[NearMiss]:
    """Return the nearest candidates within the range, each pronunciation once.

    `said` are the pronunciations of the phrase; distances are from the first of them.
    """
    sounds, found = said[0], []
    # The cost of the one change bounds the distance: few candidates need the whole recursion.
    rough = sorted(candidates, key=lambda one: (one.cost, one.text))
    for candidate in (one for one in rough if one.cost >= NEAREST * len(sounds)):
        heard = ipa(candidate.words)
        far = distance(sounds, heard)
        key = "".join(map(bare, heard))
        if not NEAREST <= far <= FARTHEST or key in seen:
            continue
        if all(distance(other, heard) >= NEAREST for other in said[1:]):
            seen.add(key)
            found.append(NearMiss(candidate.text, candidate.said, kind, round(far, 4)))
        if len(found) == count:
            break
    return sorted(found, key=lambda one: (one.distance, one.text))


def pronounce(phrase: str, speaker: Speaker, voice: str = VOICE) -> list[Word]:
    """Return the words of a phrase as `voice` says them.

    Raises
    ------
    ConfigError
        When nothing is said: the phrase has no letters.
    """
    words = [word for clause in speaker.pronounce(phrase, voice) for word in clause if word.ipa]
    if not words:
        raise ConfigError(f"`{phrase}` has no sound", "write the wake word as one would say it")
    return words


def ipa(words: Sequence[Word]) -> list[str]:
    """Return the phonemes of a phrase, one after the other."""
    return [phoneme for word in words for phoneme in word.ipa]


def _lexicon(speaker: Speaker) -> list[list[Word]]:
    return speaker.pronounce(", ".join(WORDS), VOICE)  # commas: each word as if alone


def _other_words(
    written: Sequence[str], target: Sequence[Word], known: dict[str, Word]
) -> Iterator[Candidate]:
    """Yield the phrase with each of its words replaced by each word of the lexicon."""
    if len(written) != len(target):  # a number, say, is one word in writing and two in speech
        return
    for place, own in enumerate(target):
        for word, sound in known.items():
            text = " ".join([*written[:place], word, *written[place + 1 :]])
            cost = distance(own.ipa, sound.ipa) * max(len(own.ipa), len(sound.ipa))
            yield Candidate(text, text, [*target[:place], sound, *target[place + 1 :]], cost)


def _parts(written: Sequence[str], target: Sequence[Word]) -> Iterator[Candidate]:
    """Yield the phrase without its first or last word, and cut within its last word."""
    whole = len(ipa(target))
    if len(target) > 1 and len(written) == len(target):
        for some in (slice(1, None), slice(None, -1)):
            text, words = " ".join(written[some]), target[some]
            yield Candidate(text, text, words, whole - len(ipa(words)))
    last = target[-1]
    for length in range(2, len(last.ipa)):
        for some in (slice(length), slice(-length, None)):
            short = Word(last.ipa[some], last.letters[some])
            if any(map(is_vowel, short.ipa)):
                yield _spelled([*target[:-1], short], len(last.ipa) - length)


def _other_sounds(target: Sequence[Word], inventory: dict[str, str]) -> Iterator[Candidate]:
    """Yield the phrase with one sound exchanged for another, or left out."""
    for place, word in enumerate(target):
        for index, sound in enumerate(word.ipa):
            stress, mark = ("'", "ˈ") if word.letters[index].startswith("'") else ("", "")
            for new, letter in inventory.items():
                if is_vowel(new) == is_vowel(sound):
                    other = _exchanged(word, index, (mark + new,), (stress + letter,))
                    words = [*target[:place], other, *target[place + 1 :]]
                    yield _spelled(words, substitution(bare(sound), new))
            if not is_vowel(sound) and len(word.ipa) > 1:
                other = _exchanged(word, index, (), ())
                yield _spelled([*target[:place], other, *target[place + 1 :]], 1.0)


def _exchanged(word: Word, index: int, sound: tuple[str, ...], letter: tuple[str, ...]) -> Word:
    return Word(
        word.ipa[:index] + sound + word.ipa[index + 1 :],
        word.letters[:index] + letter + word.letters[index + 1 :],
    )


def _spelled(words: Sequence[Word], cost: float) -> Candidate:
    # A bar keeps two letters from being read as one phoneme of two letters.
    text = "[[" + " ".join("|".join(word.letters) for word in words) + "]]"
    said = "/" + " ".join("".join(word.ipa) for word in words) + "/"
    return Candidate(text, said, words, cost)


def _inventory(words: Sequence[Word]) -> dict[str, str]:
    """Return the phonemes that occur, IPA -> letters of espeak-ng, without stress."""
    found: dict[str, str] = {}
    for word in words:
        for sound, letters in zip(word.ipa, word.letters, strict=False):
            found.setdefault(bare(sound), letters.lstrip("',"))
    return dict(sorted((sound, letters) for sound, letters in found.items() if sound))
