"""A wake word out of nothing: the phrase, near misses and other speech, spoken into the cache.

Formant synthesis is far less diverse than people are: what is measured here is synthetic.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import json
from dataclasses import replace
from pathlib import Path

import msgspec

from tinykit import paths, programs
from tinykit.audio import colour, flite, lexicon, near_misses, phonemes, rooms
from tinykit.audio.datasets import beside, generation, recordings, rendering, takes, voicing
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.datasets.generation import Settings
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.synthesis import require
from tinykit.config import Data
from tinykit.errors import ConfigError
from tinykit.progress import Progress, silent

NEAR_MISSES = 1.0
"""Clips of near misses for each clip of the word; as many of other words."""

SENTENCES = 1.5
"""Sentences for each clip of the word."""

_CODE = (
    colour,
    flite,
    generation,
    lexicon,
    near_misses,
    phonemes,
    rendering,
    rooms,
    takes,
    voicing,
)
"""What decides on the samples, beside espeak-ng: another version of it is another folder."""


def load(
    data: Data, spec: FeatureSpec, folder: Path = Path(), progress: Progress = silent
) -> Dataset:
    """Speak what `[data]` asks for, or take it from the cache; then read it as recordings.

    Recordings of people at `path`, if there is one, are put beside (`datasets.beside`); relative
    paths begin at `folder`.

    Raises
    ------
    ConfigError
        When there is not one word, or it is too long for a clip.
    ToolError
        When espeak-ng is not installed.
    """
    if len(data.words) != 1:
        raise ConfigError(
            f'[data] source = "synthetic_wake_word" speaks one word or phrase, not '
            f"{len(data.words)}",
            'words = ["hey lumen"]; several keywords: source = "synthetic"',
        )
    require()
    settings = Settings(
        word=data.words[0],
        clips=data.clips_per_word,
        near_misses=round(data.clips_per_word * NEAR_MISSES),
        others=round(data.clips_per_word * NEAR_MISSES),
        sentences=round(data.clips_per_word * SENTENCES),
        engines=voicing.installed(),
        clip_ms=spec.clip_ms,
        sample_rate_hz=spec.sample_rate_hz,
        seed=data.seed,
    )
    spoken = paths.cache_dir() / "wake-words" / _key(settings)
    generation.synthesize(settings, spoken, progress)
    found = msgspec.structs.replace(data, source="recordings", path=str(spoken))
    made = recordings.load(found, spec, folder, progress)
    if data.path:
        made = beside.add(made, data, spec, folder, progress)
    return replace(made, source=data.source, notes=(*_notes(settings, data), *made.notes))


def _notes(settings: Settings, data: Data) -> list[str]:
    """Say who spoke, and what would have spoken better."""
    heard = "few recorded people were" if data.path else "no recorded person was"
    notes = [
        f"speech is synthesized ({', '.join(settings.engines)}): {heard} heard; "
        "people will be misheard more often"
    ]
    if voicing.FLITE not in settings.engines:
        notes.append(
            "flite is not installed: without its voices many more people are misheard; "
            f"{programs.install(voicing.FLITE)}"
        )
    return notes


def _key(settings: Settings) -> str:
    """Return a name for the folder: the word, and a hash of all that decides on the samples."""
    recipe = [
        importlib.metadata.version("espeakng-loader"),
        flite.version() if voicing.FLITE in settings.engines else "",
        msgspec.to_builtins(settings),
        [inspect.getsource(module) for module in _CODE],
    ]
    digest = paths.sha256_bytes(json.dumps(recipe).encode())
    return f"{generation.slug(settings.word)}-{digest[:16]}"
