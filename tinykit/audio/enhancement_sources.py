"""Where speech and noise for an enhancer come from: folders, manifests, or synthesis."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from tinykit import paths
from tinykit.audio import espeak_worker, lexicon, synthesis, wav
from tinykit.audio.datasets import folders, rendering, takes
from tinykit.audio.manifest import Entry
from tinykit.audio.mixtures import Samples, Sources
from tinykit.audio.noise import at_level, coloured
from tinykit.audio.noise_folders import NAME as NOISE_LABEL
from tinykit.audio.noise_folders import origin
from tinykit.audio.seeded import fraction, generator
from tinykit.audio.split import SPLITS, Split
from tinykit.audio.synthesis import Speaker
from tinykit.config import Mixtures
from tinykit.errors import ConfigError, DataError
from tinykit.progress import Progress, silent

NOISE_LEVEL_DB = -30.0
SYNTHETIC_VOICES = 40
SYNTHETIC_WORDS = 60
"""Said by each synthetic voice, some half a minute."""

_NOISE_SECONDS = 30.0
_TALKERS = 6
_KINDS = ("white", "pink", "brown", "hum", "bursts", "babble")
_NEEDED = "speech and noise need recordings for training, validation and testing"


def load(settings: Mixtures, rate_hz: int, folder: Path, progress: Progress = silent) -> Sources:
    """Read, or synthesize, the speech and the noise of `[mixtures]`.

    Parameters
    ----------
    settings : Mixtures
    rate_hz : int
        Sample rate of what is returned.
    folder : Path
        Where relative paths begin: the project.

    Raises
    ------
    ConfigError
        When only one of speech and noise has a path.
    DataError
        When a folder or recording cannot be used, or a split is left without any.
    ToolError
        When nothing is recorded and espeak-ng is not installed.
    """
    if bool(settings.speech) != bool(settings.noise):
        raise ConfigError(
            "[mixtures] has a path for "
            + ("speech, none for noise" if settings.speech else "noise, none for speech"),
            "give both, or neither: then both are synthesized",
        )
    if not settings.speech:
        return synthesized(settings.seed, rate_hz, progress)
    speech = _recordings(
        folder / settings.speech,
        settings.speech_categories,
        rate_hz,
        lambda row: row.voice,
        settings,
        progress,
    )
    noise = _recordings(
        folder / settings.noise,
        settings.noise_categories,
        rate_hz,
        lambda row: origin(row.path),
        settings,
        progress,
    )
    return Sources(speech, noise, rate_hz)


def split_of(name: str, settings: Mixtures, given: Split | None = None) -> Split:
    """Return the split of a speaker or of a noise recording's origin: a hash of the name.

    `given` testing or validation stands; training may be held out, as data sets come without
    their test part.
    """
    if given in ("testing", "validation"):
        return given
    place = 100.0 * fraction("enhancement", settings.seed, name)
    if place < settings.test_percent:
        return "testing"
    below = settings.test_percent + settings.validation_percent
    return "validation" if place < below else "training"


def _recordings(
    root: Path,
    categories: list[str],
    rate_hz: int,
    owner: Callable[[Entry], str],
    settings: Mixtures,
    progress: Progress,
) -> dict[Split, dict[str, Samples]]:
    """Read the rows of a folder or manifest; recordings of one owner become one."""
    base = root.parent if root.is_file() else root
    rows = [
        row
        for row in folders.entries(root)
        if (row.category in categories if categories else row.label != NOISE_LABEL)
    ]
    found: dict[Split, dict[str, list[Samples]]] = {split: {} for split in SPLITS}
    for done, row in enumerate(sorted(rows, key=lambda row: row.source), 1):
        name = owner(row)
        split = split_of(name, settings, row.split)
        samples = _centred(_part(wav.read(base / row.path, rate_hz), row, rate_hz))
        if samples.any():  # digital silence has no level to mix at
            found[split].setdefault(name, []).append(samples)
        if done % 20 == 0 or done == len(rows):
            progress("read recordings", done, len(rows))
    _require_all(found, root)
    return {
        split: {name: np.concatenate(parts) for name, parts in of_split.items()}
        for split, of_split in found.items()
    }


def _part(samples: Samples, row: Entry, rate_hz: int) -> Samples:
    if row.start_s is None or row.end_s is None:
        return samples
    return samples[round(row.start_s * rate_hz) : round(row.end_s * rate_hz)]


def _centred(samples: Samples) -> Samples:
    """Return a recording without its offset, which nobody hears and every level would count."""
    return wav.to_int16(samples - samples.mean())


def _require_all(found: Mapping[Split, Mapping[str, object]], root: Path) -> None:
    for split in SPLITS:
        if not found[split]:
            count = sum(map(len, found.values()))
            raise DataError(
                f"{root}: {count} speakers or noise recordings, none of them for {split}",
                f"{_NEEDED}; more of them, or [mixtures] test_percent and validation_percent",
            )


def synthesized(seed: int, rate_hz: int, progress: Progress = silent) -> Sources:
    """Return sentences of espeak-ng's voices, and computed noise with babble of them.

    Raises
    ------
    ToolError
        When espeak-ng is not installed.
    """
    synthesis.require()
    key = _key(seed, rate_hz)
    folder = paths.cache_dir() / "enhancement" / key
    if not folder.is_dir():
        _make(seed, rate_hz, folder, progress)
    parts = {
        kind: {split: dict(np.load(folder / f"{kind}-{split}.npz")) for split in SPLITS}
        for kind in ("speech", "noise")
    }
    return Sources(parts["speech"], parts["noise"], rate_hz, synthetic=True)


def _key(seed: int, rate_hz: int) -> str:
    """Hash all that the stored samples depend on."""
    code = (espeak_worker, synthesis, takes, rendering, lexicon)
    here = [_make, _sentences, _noises, _bursts, SYNTHETIC_VOICES, SYNTHETIC_WORDS, _KINDS]
    recipe = [
        importlib.metadata.version("espeakng-loader"),
        [seed, rate_hz],
        [inspect.getsource(module) for module in code],
        [inspect.getsource(one) if callable(one) else one for one in here],
    ]
    return paths.sha256_bytes(json.dumps(recipe).encode())[:32]


def _make(seed: int, rate_hz: int, folder: Path, progress: Progress) -> None:
    voices = takes.split_voices(SYNTHETIC_VOICES, seed)
    done = 0
    with paths.atomic_dir(folder) as temporary, Speaker() as speaker:
        for split in SPLITS:
            speech = {}
            for voice in voices[split]:
                speech[voice] = _sentences(voice, split, speaker, seed, rate_hz)
                done += 1
                progress("speak", done, SYNTHETIC_VOICES)
            noise = _noises(split, speech.values(), seed, rate_hz)
            np.savez(temporary / f"speech-{split}.npz", allow_pickle=False, **speech)
            np.savez(temporary / f"noise-{split}.npz", allow_pickle=False, **noise)


def _sentences(voice: str, split: Split, speaker: Speaker, seed: int, rate_hz: int) -> Samples:
    """Let one voice say words in a random order, int16 (samples,)."""
    rng = generator("sentences", seed, split, voice)
    text = " ".join(rng.choice(lexicon.WORDS, SYNTHETIC_WORDS))
    said = speaker.say(takes.draw_utterance(text, voice, rng))
    return at_level(rendering.at_rate(said, speaker.rate_hz, rate_hz), NOISE_LEVEL_DB)


def _noises(split: Split, speech: Iterable[Samples], seed: int, rate_hz: int) -> dict[str, Samples]:
    """Return the noise of a split: coloured, in bursts, and its own voices all at once."""
    count = round(_NOISE_SECONDS * rate_hz)
    made = {
        kind: coloured(kind, count, rate_hz, generator("noise", seed, split, kind))
        for kind in _KINDS[:4]
    }
    made["bursts"] = _bursts(count, rate_hz, generator("noise", seed, split, "bursts"))
    rng = generator("noise", seed, split, "babble")
    several = [speech for speech, _ in zip(speech, range(_TALKERS), strict=False)]
    turned = [np.roll(np.resize(one, count), int(rng.integers(count))) for one in several]
    made["babble"] = at_level(
        np.clip(np.sum(turned, axis=0, dtype=np.int64), -32768, 32767).astype(np.int16),
        NOISE_LEVEL_DB,
    )
    return made


def _bursts(count: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return knocks: short decaying bursts of noise, a few a second."""
    signal = np.zeros(count)
    for start in rng.integers(0, count, round(3 * count / rate_hz)):
        length = int(rate_hz * rng.uniform(0.02, 0.3))
        decay = np.exp(-5.0 * np.arange(length) / length) * rng.standard_normal(length)
        part = signal[start : start + length]
        part += decay[: len(part)] * rng.uniform(0.3, 1.0)
    return at_level(wav.to_int16(signal * 8000.0), NOISE_LEVEL_DB)
