"""Words spoken by espeak-ng: a data set without a download.

Formant synthesis is far less diverse than people are. What is measured on such a set is said to be
synthetic wherever it is reported, and says little about speech recorded from people.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinykit import paths
from tinykit.audio import augment, espeak_worker, noise, seeded, synthesis, voices, wav
from tinykit.audio.datasets import rendering, takes
from tinykit.audio.datasets.classes import SILENCE, arrange, label_names, silence_clips
from tinykit.audio.datasets.dataset import Clip, Dataset
from tinykit.audio.datasets.takes import Take
from tinykit.audio.noise import Noise, Samples
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS
from tinykit.audio.synthesis import Speaker, require
from tinykit.config import Data
from tinykit.errors import DataError
from tinykit.progress import Progress, silent

_CLIPS = "clips.npy"

_CODE = (augment, espeak_worker, noise, rendering, seeded, synthesis, takes, voices, wav)
"""What computes the stored bytes: another version of it is another data set."""


@dataclass(frozen=True, eq=False)
class Stored:
    """A row of the stored clips."""

    clips: np.ndarray
    row: int
    key: str

    def samples(self, count: int, rate_hz: int) -> Samples:
        """Return int16 (count,); clips were rendered at this length and rate."""
        samples: Samples = np.asarray(self.clips[self.row])
        return samples

    def sha256(self) -> str:
        """Return the hash of the recipe and the row: the same recipe renders the same bytes."""
        return paths.sha256_bytes(f"{self.key}/{self.row}".encode())


def load(data: Data, spec: FeatureSpec, progress: Progress = silent) -> Dataset:
    """Speak the words of `[data]`, or take them from the cache.

    Raises
    ------
    ToolError
        When espeak-ng is not installed.
    ConfigError
        When a word is too long for a clip, or there are not enough voices.
    """
    labels = label_names(data)
    planned = takes.plan(data)
    require()
    key = _key(planned, data, spec)
    folder = paths.cache_dir() / "speech" / key
    if not (folder / _CLIPS).is_file():
        try:
            _make(planned, data, spec, folder, progress)
        except OSError as reason:
            raise DataError(
                f"{folder}: {reason.strerror or reason}",
                "make room there, or set TINYKIT_CACHE to a folder on another disk",
            ) from None
    background = Noise(
        {split: dict(np.load(folder / f"noise-{split}.npz")) for split in SPLITS}, synthetic=True
    )
    stored = np.load(folder / _CLIPS, mmap_mode="r")
    clips = [
        Clip(
            label=labels.index(take.label),
            word=take.word,
            speaker=take.voice,
            split=take.split,
            source=take.source,
            audio=Stored(stored, row, key),
            synthetic=True,
        )
        for row, take in enumerate(planned)
    ]
    if SILENCE in labels:
        wanted = [clip for clip in clips if clip.word in data.words]
        clips += silence_clips(wanted, background, data, labels.index(SILENCE))
    return Dataset(
        source="synthetic",
        labels=labels,
        clips=arrange(clips, labels, "make [data] clips_per_word larger"),
        noise=background,
        sample_rate_hz=spec.sample_rate_hz,
        clip_samples=spec.clip_samples,
        notes=("speech and noise are synthesized; accuracy on people's voices will be lower",),
    )


def _key(planned: Sequence[Take], data: Data, spec: FeatureSpec) -> str:
    """Hash everything that the stored bytes depend on, the code that makes them included."""
    recipe = [
        importlib.metadata.version("espeakng-loader"),
        [data.seed, data.voices, takes.unknown_words(data), spec.sample_rate_hz, spec.clip_samples],
        [take.source for take in planned],
        [inspect.getsource(module) for module in _CODE],
    ]
    return paths.sha256_bytes(json.dumps(recipe).encode())[:32]


def _make(
    planned: Sequence[Take], data: Data, spec: FeatureSpec, folder: Path, progress: Progress
) -> None:
    """Speak all takes into `folder`, which appears only when all is there."""
    speakers = takes.split_voices(data.voices, data.seed)
    words = takes.unknown_words(data)
    with paths.atomic_dir(folder) as temporary, Speaker() as speaker:
        parts = {
            split: rendering.split_noise(split, speakers[split], words, speaker, spec, data.seed)
            for split in SPLITS
        }
        for split in SPLITS:
            np.savez(temporary / f"noise-{split}.npz", allow_pickle=False, **parts[split])
        background = Noise(parts, synthetic=True)
        with (temporary / _CLIPS).open("wb") as file:
            # Plain writes: a memory map on a full disk ends in SIGBUS instead of an exception.
            shape = (len(planned), spec.clip_samples)
            header = {"descr": "<i2", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for done, take in enumerate(planned, 1):
                clip = rendering.render(take, speaker, background, spec)
                file.write(clip.astype("<i2").tobytes())
                progress("speak", done, len(planned))
