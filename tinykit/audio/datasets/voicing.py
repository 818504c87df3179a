"""Who speaks the clips of a wake word: the engines, their voices, and how a voice says a line.

A voice is a person's only up to a point: each clip has its own pitch, tempo and length of the vocal
tract, so that few voices stand for more people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tinykit.audio import flite
from tinykit.audio.datasets import rendering
from tinykit.audio.datasets.rendering import at_rate, too_long
from tinykit.audio.datasets.takes import draw_utterance, share_voices, split_voices
from tinykit.audio.noise import Samples
from tinykit.audio.seeded import Key, fraction
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import Split
from tinykit.audio.synthesis import Speaker, trim
from tinykit.audio.tts import Program
from tinykit.audio.voices import ACCENTS
from tinykit.errors import ConfigError

if TYPE_CHECKING:
    from tinykit.audio.datasets.generation import Line, Settings

ESPEAK, FLITE = "espeak-ng", "flite"

ENGINES = (ESPEAK, FLITE)
"""Engines that the kit knows; any other program is a command."""

FLITE_VOICES: dict[Split, tuple[str, ...]] = {
    "training": ("awb", "rms", "slt"),
    "validation": ("kal16",),
    "testing": (),
}
"""The best for training; there are too few for a test of their own."""

FLITE_SHARE = 0.5
"""Part of the clips that flite speaks, in the splits where it has voices."""

FOREIGN_SHARE = 0.25
"""Part of the word's clips of espeak-ng that a voice of another language speaks."""

TRACT = (0.85, 1.18)
"""Range of the factor by which formants, pitch and tempo of a voice are moved, as they are by the
length of the vocal tract: from large men to children."""

PITCH, STRETCH, DEVIATION_HZ = (0.75, 1.4), (0.75, 1.35), (5.0, 40.0)
"""Ranges of flite's mean pitch, relative to the voice's own, of its durations, and of how much its
pitch moves."""

_SHORTEST = 0.5  # of STRETCH, where a word is too long for its clip
_STEP_HZ = 500  # of rates: ratios of small numbers, short filters


@dataclass(frozen=True)
class Voice:
    """A speaker that no person is: in one split only.

    Attributes
    ----------
    engine : str
        `espeak-ng`, `flite` or the name of a program.
    name : str
        What the engine calls it.
    """

    engine: str
    name: str

    @property
    def speaker(self) -> str:
        """The name in manifests; no person has such a one."""
        return f"{self.engine}:{self.name}"


def installed() -> list[str]:
    """Return which of `ENGINES` can be used here; espeak-ng always: it says what it lacks."""
    return [engine for engine in ENGINES if engine != FLITE or flite.installed()]


def cast(settings: Settings, program: Program | None) -> dict[Split, list[Voice]]:
    """Share out the voices among the splits: those of the engines, or of a program.

    Raises
    ------
    ConfigError
        When a program has no voices, or an engine is not known.
    """
    if program is None:
        if unknown := set(settings.engines) - set(ENGINES):
            raise ConfigError(f"no engine `{min(unknown)}`", f"there are {', '.join(ENGINES)}")
        espeak = split_voices(60, settings.seed)
        return {
            split: [Voice(ESPEAK, name) for name in names]
            + [Voice(FLITE, name) for name in FLITE_VOICES[split] if FLITE in settings.engines]
            for split, names in espeak.items()
        }
    if not settings.voices:
        raise ConfigError(
            "[synth] command needs voices", 'name them: [synth] voices = ["anna", "bert", "cleo"]'
        )
    shared: dict[Split, list[str]] = {
        "training": list(settings.voices), "validation": [], "testing": []
    }  # fmt: skip
    if len(settings.voices) >= 3:  # fewer are too few for a split of their own each
        shared = share_voices(settings.voices, settings.seed)
    return {split: [Voice(program.name, name) for name in names] for split, names in shared.items()}


def turn(voices: Sequence[Voice], text: str, number: int, *key: Key) -> Voice:
    """Return who of `voices` speaks clip `number`: the voices of an engine take turns.

    Parameters
    ----------
    voices : sequence of Voice
        Of one split.
    text : str
        Phonemes in ``[[ ]]`` are espeak-ng's.
    number : int
    *key : str or int
        What sets this clip apart from others of the same number.
    """
    flites = [voice for voice in voices if voice.engine == FLITE]
    others = [voice for voice in voices if voice.engine != FLITE]
    if flites and not text.startswith("[[") and fraction("engine", *key, number) < FLITE_SHARE:
        # Drawn: with turns, each phrase would always have the same one of so few voices.
        return flites[int(fraction("flite", *key, number) * len(flites))]
    turns = sorted(others, key=lambda voice: fraction("turn", *key, voice.name))
    return turns[number % len(turns)]


class Voicing:
    """Speaks lines, each as its own generator draws it.

    Parameters
    ----------
    settings : Settings
    speaker : Speaker
        espeak-ng.
    program : Program, optional
        In place of the engines.
    accents : sequence of str
        Other languages whose reading of the word counts as the word.
    spec : FeatureSpec
        Of a clip; only a sentence may be longer.
    """

    def __init__(
        self,
        settings: Settings,
        speaker: Speaker,
        program: Program | None,
        accents: Sequence[str],
        spec: FeatureSpec,
    ) -> None:
        self._word, self._speaker, self._program = settings.word, speaker, program
        self._accents, self._spec = accents, spec

    def say(self, line: Line, rng: np.random.Generator, any_length: bool) -> Samples:
        """Return int16 (samples,) of a line, without silence around it.

        Raises
        ------
        ConfigError
            When it is too long for a clip, and `any_length` is not given.
        """
        if self._program:
            return self._by_program(line, any_length)
        if line.voice.engine == FLITE:
            return self._by_flite(line, rng, any_length)
        return self._by_espeak(line, rng, any_length)

    def _by_program(self, line: Line, any_length: bool) -> Samples:
        assert self._program
        word = trim(self._program.say(line.text, line.voice.name, self._spec.sample_rate_hz))
        if len(word) > self._spec.clip_samples and not any_length:
            raise too_long(f"`{line.text}` by {line.voice.name}", len(word), self._spec)
        return word

    def _by_espeak(self, line: Line, rng: np.random.Generator, any_length: bool) -> Samples:
        accents: tuple[str, ...] = ACCENTS
        # Phonemes are written in the letters of English: other languages lack some of them.
        if line.text == self._word and self._accents and rng.random() < FOREIGN_SHARE:
            accents = tuple(self._accents)
        utterance = draw_utterance(line.text, line.voice.name, rng, accents)
        played_at_hz = _played_at(self._speaker.rate_hz, rng)
        if any_length:
            said = trim(self._speaker.say(utterance))
            return at_rate(said, played_at_hz, self._spec.sample_rate_hz)
        return rendering.speak_within(self._spec, self._speaker, utterance, played_at_hz)

    def _by_flite(self, line: Line, rng: np.random.Generator, any_length: bool) -> Samples:
        utterance = flite.Utterance(
            text=line.text.replace("_", " "),
            voice=line.voice.name,
            pitch_hz=flite.VOICES[line.voice.name] * rng.uniform(*PITCH),
            pitch_deviation_hz=rng.uniform(*DEVIATION_HZ),
            stretch=rng.uniform(*STRETCH),
        )
        played_at_hz = _played_at(flite.RATE_HZ, rng)
        while True:
            said = trim(flite.say(utterance))
            word = at_rate(said, played_at_hz, self._spec.sample_rate_hz)
            if any_length or len(word) <= self._spec.clip_samples:
                return word
            if utterance.stretch == _SHORTEST:
                raise too_long(f"`{line.text}` by {line.voice.name}", len(word), self._spec)
            shorter = 0.95 * utterance.stretch * self._spec.clip_samples / len(word)
            utterance = replace(utterance, stretch=max(_SHORTEST, shorter))


def _played_at(rate_hz: int, rng: np.random.Generator) -> int:
    """Draw the rate as which speech of `rate_hz` is taken."""
    return round(rate_hz * rng.uniform(*TRACT) / _STEP_HZ) * _STEP_HZ
