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
from tinykit.audio import manifest, noise, rooms, wav
from tinykit.audio.colour import colour
from tinykit.audio.datasets import listing, rendering, voicing
from tinykit.audio.datasets.takes import SHARES, UNKNOWN_WORDS
from tinykit.audio.datasets.voicing import Voice, Voicing
from tinykit.audio.lexicon import WORDS
from tinykit.audio.manifest import Entry
from tinykit.audio.near_misses import VOICE, NearMiss, choose, ipa, pronounce
from tinykit.audio.noise import Noise, Samples
from tinykit.audio.phonemes import distance
from tinykit.audio.seeded import generator
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS, Split
from tinykit.audio.synthesis import Speaker
from tinykit.audio.tts import Program
from tinykit.audio.voices import ACCENTS, FOREIGN
from tinykit.errors import DataError
from tinykit.progress import Progress, silent

NEAR_MISS, OTHER, SPEECH = "_near_miss_", "_other_", "_speech_"
"""Labels of the negatives, all of the unknown class: phrases that sound alike, words, sentences."""

SENTENCE_SHARES: dict[Split, float] = {"training": 0.30, "validation": 0.25, "testing": 0.45}
"""Of the sentences: false accepts are rare, so they are looked for in much speech."""

SENTENCE_WORDS = (6, 14)
SENTENCE_MARGIN_MS = 150

SNR_DB = (5.0, 70.0)
"""Of the noise in a clip. A network that always heard noise in training takes a quiet recording for
something else: recordings of people are quiet between words, at -85 dB of full scale and less."""

FARTHEST_ACCENT = 0.3
"""Distance (`phonemes.distance`) at which another language's reading is no longer the phrase."""

ROOM_SHARE = 0.4
"""Part of the clips that are heard in a room."""

ECHO_SAMPLES = 3200
"""Most that a room makes a word longer; of what a clip has left."""

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
    engines : list of str
        Who speaks: of `voicing.ENGINES`; espeak-ng always does.
    command : str
        A program that speaks in their place (`tinykit.audio.tts`).
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
    engines: list[str] = msgspec.field(default_factory=lambda: [voicing.ESPEAK])
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
    voice: Voice
    split: Split
    number: int

    @property
    def path(self) -> str:
        """The file, relative to the folder."""
        place = [slug(self.said)] if self.said and self.label.startswith("_") else []
        engine = "" if self.voice.engine == voicing.ESPEAK else f"{self.voice.engine}-"
        name = f"{slug(engine + self.voice.name)}_nohash_{self.number}.wav"
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
        When espeak-ng, flite, or the program in their place, is missing or fails.
    """
    spec = FeatureSpec(clip_ms=settings.clip_ms, sample_rate_hz=settings.sample_rate_hz)
    program = Program(settings.command) if settings.command else None
    voices = voicing.cast(settings, program)
    kept = _kept(settings, folder)
    with Speaker() as speaker:
        accents = [] if settings.command else foreign_accents(settings.word, speaker)
        near = choose(settings.word, speaker, settings.phrases, [*ACCENTS, *accents])
        if settings.command:  # another program knows no phonemes
            near = [one for one in near if not one.text.startswith("[[")]
        lines = list(plan(settings, voices, near))
        voice = Voicing(settings, speaker, program, accents, spec)
        background = noise.synthesize(spec.sample_rate_hz, rendering.NOISE_SECONDS, settings.seed)
        paths.write_text(folder / SETTINGS, _written(settings))
        entries = []
        for done, line in enumerate(lines, 1):
            path = folder / line.path
            if not path.is_file():
                clip = _clip(line, voice, background, spec, settings.seed)
                wav.write(path, clip, spec.sample_rate_hz)
            entries.append(_entry(line))
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
    settings: Settings, voices: dict[Split, list[Voice]], near: Sequence[NearMiss]
) -> Iterator[Line]:
    """Yield a line for each clip: in every split its voices take turns, and so do the phrases."""

    def line(label: str, text: str, said: str, split: Split, number: int) -> Line:
        voice = voicing.turn(voices[split], text, number, settings.seed, label, split)
        return Line(label, text, said, voice, split, number)

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
            for number in range(round(count * SHARES[split])):
                yield line(label, *phrases[number % len(phrases)], split, number)
        sentences = settings.sentences if voices[split] else 0
        for number in range(round(sentences * SENTENCE_SHARES[split])):
            yield line(SPEECH, _sentence(settings, split, number), "", split, number)


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


def _clip(line: Line, voice: Voicing, background: Noise, spec: FeatureSpec, seed: int) -> Samples:
    """Return int16 (clip_samples,), of a sentence as many as it takes."""
    rng = generator("synthesis", seed, line.path)
    sentence = line.label == SPEECH
    word = colour(voice.say(line, rng, any_length=sentence), spec.sample_rate_hz, rng)
    if rng.random() < ROOM_SHARE:
        left = ECHO_SAMPLES if sentence else spec.clip_samples - len(word)
        echo = np.zeros(min(ECHO_SAMPLES, left), np.int16)
        response = rooms.statistical(rng, spec.sample_rate_hz)
        word = rooms.reverberate(np.concatenate([word, echo]), response)
    if sentence:
        clip_ms = len(word) * 1000 // spec.sample_rate_hz + 2 * SENTENCE_MARGIN_MS
        spec = FeatureSpec(clip_ms=clip_ms, sample_rate_hz=spec.sample_rate_hz)
    return rendering.place(word, background, line.split, spec, rng, SNR_DB)


def _entry(line: Line) -> Entry:
    return Entry(
        path=line.path,
        label=line.label,
        split=line.split,
        speaker=line.voice.speaker,
        category="synthetic",
        synthetic=True,
    )


def slug(text: str) -> str:
    """Return a name for a file or folder: letters, digits, `_` and `-`; of IPA its letters."""
    return re.sub(r"[^\w-]+", "_", text.strip("/").lower()).strip("_") or "sound"
