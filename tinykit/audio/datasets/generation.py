"""A folder of synthetic speech for a wake word: the word, near misses, and other words.

Every clip is a function of its name and the seed, so a run that was interrupted goes on where it
stopped and ends with the same bytes. The manifest marks each clip as synthetic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from tinykit import paths
from tinykit.audio import manifest, noise, wav
from tinykit.audio.datasets import listing, rendering, takes
from tinykit.audio.datasets.takes import SHARES, UNKNOWN_WORDS, draw_utterance, split_voices
from tinykit.audio.lexicon import WORDS
from tinykit.audio.manifest import Entry
from tinykit.audio.near_misses import VOICE, NearMiss, choose, ipa, pronounce
from tinykit.audio.noise import Noise, Samples
from tinykit.audio.phonemes import distance
from tinykit.audio.seeded import fraction, generator
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS, Split
from tinykit.audio.synthesis import Speaker, trim
from tinykit.audio.tts import Program
from tinykit.audio.voices import ACCENTS, FOREIGN
from tinykit.errors import ConfigError, DataError
from tinykit.progress import Progress, silent

NEAR_MISS, OTHER, SPEECH = "_near_miss_", "_other_", "_speech_"
"""Labels of the negatives, all of the unknown class: phrases that sound alike, words, sentences."""

SENTENCE_SHARES: dict[Split, float] = {"training": 0.30, "validation": 0.25, "testing": 0.45}
"""Of the sentences: false accepts are rare, so they are looked for in much speech."""

SENTENCE_WORDS = (6, 14)
SENTENCE_MARGIN_MS = 150

FOREIGN_SHARE = 0.25
"""Part of the clips that a voice of another language speaks."""

FARTHEST_ACCENT = 0.3
"""Distance (`phonemes.distance`) at which another language's reading is no longer the phrase."""

SETTINGS = "synthesis.json"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be spoken, and how much.

    Attributes
    ----------
    word : str
        The wake word, as one would write it.
    clips, near_misses, others : int
        How many clips of each kind, over all splits.
    sentences : int
        How many runs of random words, some seconds each, over all splits.
    phrases : int
        How many different near misses.
    command : str
        A program that speaks (`tinykit.audio.tts`); empty: espeak-ng.
    voices : list of str
        Of that program.
    clip_ms, sample_rate_hz, seed : int
    """

    word: str
    clips: int = 400
    near_misses: int = 200
    others: int = 200
    sentences: int = 0
    phrases: int = 24
    command: str = ""
    voices: list[str] = []
    clip_ms: int = 1000
    sample_rate_hz: int = 16000
    seed: int = 0


@dataclass(frozen=True)
class Line:
    """One clip to be: what is said, by whom, for which split."""

    label: str
    text: str
    said: str  # empty: another text in each clip
    voice: str
    split: Split
    number: int

    @property
    def path(self) -> str:
        """The file, relative to the folder."""
        place = [slug(self.said)] if self.said and self.label.startswith("_") else []
        name = f"{slug(self.voice)}_nohash_{self.number}.wav"
        return "/".join([slug(self.label), *place, name])


@dataclass(frozen=True)
class Synthesis:
    """What was made: the manifest, its rows, the near misses and the accents that were used."""

    manifest: Path
    entries: list[Entry]
    near_misses: list[NearMiss]
    accents: list[str]


def synthesize(settings: Settings, folder: Path, progress: Progress = silent) -> Synthesis:
    """Speak everything into `folder` and write its manifest; recordings that lie there stay in it.

    Raises
    ------
    ConfigError
        When the word has no sound or is too long, or the voices do not suffice.
    DataError
        When the folder holds synthetic speech of other settings.
    ToolError
        When espeak-ng, or the program in its place, is missing or fails.
    """
    spec = FeatureSpec(clip_ms=settings.clip_ms, sample_rate_hz=settings.sample_rate_hz)
    voices = _voices(settings)
    program = Program(settings.command) if settings.command else None
    kept = _kept(settings, folder)
    with Speaker() as speaker:
        accents = [] if settings.command else foreign_accents(settings.word, speaker)
        near = choose(settings.word, speaker, settings.phrases, [*ACCENTS, *accents])
        if settings.command:  # another program knows no phonemes
            near = [one for one in near if not one.text.startswith("[[")]
        lines = list(plan(settings, voices, near))
        engine = _Engine(settings, speaker, program, accents, spec)
        paths.write_text(folder / SETTINGS, _written(settings))
        entries = []
        for done, line in enumerate(lines, 1):
            path = folder / line.path
            if not path.is_file():
                wav.write(path, engine.clip(line), spec.sample_rate_hz)
            entries.append(_entry(line, engine.name))
            progress("speak", done, len(lines))
    target = manifest.find(folder) or folder / manifest.NAMES[0]
    entries = [*listing.complete(entries, folder), *kept]
    manifest.write(target, entries)
    return Synthesis(target, entries, near, accents)


def _kept(settings: Settings, folder: Path) -> list[Entry]:
    """Return the rows of what people recorded; check that the rest is of the same settings."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: not a folder")
    path = folder / SETTINGS
    if path.is_file() and path.read_text() != _written(settings):
        raise DataError(
            f"{folder}: holds speech that was synthesized with other settings ({SETTINGS})",
            "use another folder, or remove this one",
        )
    listed = manifest.find(folder)
    return [row for row in manifest.read(listed) if not row.synthetic] if listed else []


def _written(settings: Settings) -> str:
    return json.dumps(msgspec.to_builtins(settings), indent=1) + "\n"


def plan(
    settings: Settings, voices: dict[Split, list[str]], near: Sequence[NearMiss]
) -> Iterator[Line]:
    """Yield a line for each clip: in every split its voices take turns, and so do the phrases."""
    others = [word for word in UNKNOWN_WORDS if word not in settings.word.lower().split()]
    kinds = (
        (settings.word, settings.clips, [(settings.word, settings.word)]),
        (NEAR_MISS, settings.near_misses, [(one.text, one.said) for one in near]),
        (OTHER, settings.others, [(word, word) for word in others]),
    )
    for split in SPLITS:
        for label, count, phrases in kinds:
            if not phrases or not voices[split]:
                continue
            turns = _turns(settings, label, voices[split])
            for number in range(round(count * SHARES[split])):
                text, said = phrases[number % len(phrases)]
                yield Line(label, text, said, turns[number % len(turns)], split, number)
        turns = _turns(settings, SPEECH, voices[split])
        for number in range(round(settings.sentences * SENTENCE_SHARES[split]) if turns else 0):
            text = _sentence(settings, split, number)
            yield Line(SPEECH, text, "", turns[number % len(turns)], split, number)


def _turns(settings: Settings, label: str, voices: Sequence[str]) -> list[str]:
    return sorted(voices, key=lambda voice: fraction("turn", settings.seed, label, voice))


def _sentence(settings: Settings, split: Split, number: int) -> str:
    """Return random everyday words, none of them of the wake word."""
    own = settings.word.lower().split()
    words = [word for word in WORDS if word not in own]
    rng = generator("sentence", settings.seed, split, number)
    return " ".join(rng.choice(words, int(rng.integers(*SENTENCE_WORDS, endpoint=True))))


def foreign_accents(phrase: str, speaker: Speaker) -> list[str]:
    """Return the languages whose reading of `phrase` is still near to the English one."""
    sounds = ipa(pronounce(phrase, speaker, VOICE))
    return [
        language
        for language in FOREIGN
        if distance(sounds, ipa(pronounce(phrase, speaker, language))) <= FARTHEST_ACCENT
    ]


def _voices(settings: Settings) -> dict[Split, list[str]]:
    """Share out the voices: espeak-ng's, or those of the program."""
    if not settings.command:
        return split_voices(60, settings.seed)
    if not settings.voices:
        raise ConfigError(
            "[synth] command needs voices", 'name them: [synth] voices = ["anna", "bert", "cleo"]'
        )
    if len(settings.voices) < 3:  # too few for a split of its own each: all for training
        return {"training": list(settings.voices), "validation": [], "testing": []}
    return takes.share_voices(settings.voices, settings.seed)


class _Engine:
    """Makes a clip from a line."""

    def __init__(
        self,
        settings: Settings,
        speaker: Speaker,
        program: Program | None,
        accents: Sequence[str],
        spec: FeatureSpec,
    ) -> None:
        self._settings, self._speaker, self._spec = settings, speaker, spec
        self._accents = accents
        self._program = program
        self.name = program.name if program else "espeak-ng"
        self._noise: Noise = noise.synthesize(
            spec.sample_rate_hz, rendering.NOISE_SECONDS, settings.seed
        )

    def clip(self, line: Line) -> Samples:
        """Return int16 (clip_samples,)."""
        rng = generator("synthesis", self._settings.seed, line.path)
        word = self._program_says(line) if self._program else self._espeak_says(line, rng)
        spec = self._spec
        if line.label == SPEECH:  # as long as it takes
            clip_ms = len(word) * 1000 // spec.sample_rate_hz + 2 * SENTENCE_MARGIN_MS
            spec = FeatureSpec(clip_ms=clip_ms, sample_rate_hz=spec.sample_rate_hz)
        return rendering.place(word, self._noise, line.split, spec, rng)

    def _program_says(self, line: Line) -> Samples:
        assert self._program
        word = trim(self._program.say(line.text, line.voice, self._spec.sample_rate_hz))
        if len(word) > self._spec.clip_samples and line.label != SPEECH:
            raise ConfigError(
                f"`{line.text}` by {line.voice} takes "
                f"{len(word) * 1000 // self._spec.sample_rate_hz:,} ms, "
                f"a clip has {self._spec.clip_ms:,} ms",
                "longer clips: --clip-ms, and [features] clip_ms",
            )
        return word

    def _espeak_says(self, line: Line, rng: np.random.Generator) -> Samples:
        accents: tuple[str, ...] = ACCENTS
        # Phonemes are written in the letters of English: other languages lack some of them.
        if line.text == self._settings.word and self._accents and rng.random() < FOREIGN_SHARE:
            accents = tuple(self._accents)
        utterance = draw_utterance(line.text, line.voice, rng, accents)
        played_at_hz = int(rng.choice(rendering.PLAYED_AT_HZ))
        if line.label == SPEECH:
            said = trim(self._speaker.say(utterance))
            return rendering.at_rate(said, played_at_hz, self._spec.sample_rate_hz)
        return rendering.speak_within(self._spec, self._speaker, utterance, played_at_hz)


def _entry(line: Line, engine: str) -> Entry:
    return Entry(
        path=line.path,
        label=line.label,
        split=line.split,
        speaker=f"{engine}:{line.voice}",  # no person has such a name
        category="synthetic",
        synthetic=True,
    )


def slug(text: str) -> str:
    """Return a name for a file or folder: letters, digits, `_` and `-`; of IPA its letters."""
    return re.sub(r"[^\w-]+", "_", text.strip("/").lower()).strip("_") or "sound"
