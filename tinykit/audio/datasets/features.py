"""From clips to what a model is trained on: augmented, through the front end, as int8 rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import frontend
from tinykit.audio.augment import augment
from tinykit.audio.datasets.classes import SILENCE
from tinykit.audio.datasets.dataset import Clip, Dataset, Samples
from tinykit.audio.seeded import generator
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS, Split
from tinykit.config import Augment
from tinykit.progress import Progress, silent

_CHUNK = 64
"""Clips at a time: 2 MB of audio, and some 20 MB inside the front end."""


def features(
    dataset: Dataset,
    spec: FeatureSpec,
    table: Augment,
    seed: int = 0,
    progress: Progress = silent,
    audio_clips: int = 20,
) -> dict[str, NDArray]:
    """Compute what `features.npz` holds.

    Parameters
    ----------
    dataset : Dataset
    spec : FeatureSpec
        Of the same sample rate and clip length as the data set.
    table : Augment
        `[augment]`; validation and testing are never augmented.
    seed : int
        Another seed gives other augmented versions.
    audio_clips : int
        How many test clips are kept as audio.

    Returns
    -------
    dict of str to array
        ``x_<split>`` int8 (N, frames, width), ``y_<split>`` int32 (N,), ``labels`` str (classes,),
        ``audio_testing`` int16 (at most `audio_clips`, clip_samples), of the first rows of
        ``x_testing``. ``x_training`` holds the clean clips, then `table.copies` blocks of as many
        augmented ones, each in the order of the clips.
    """
    counts = {split: len(dataset.clips[split]) for split in SPLITS}
    copies: dict[Split, int] = {split: 0 for split in SPLITS} | {"training": table.copies}
    result: dict[str, NDArray] = {"labels": np.array(dataset.labels)}
    jobs: list[_Job] = []
    for split in SPLITS:
        rows = counts[split] * (1 + copies[split])
        x = np.empty((rows, spec.frames, spec.width), np.int8)
        result[f"x_{split}"] = x
        result[f"y_{split}"] = np.tile(dataset.targets(split), 1 + copies[split])
        for start in range(0, counts[split], _CHUNK):
            jobs.append(_Job(dataset, spec, table, seed, split, start, copies[split], x))
    total = sum(counts.values())
    done = 0
    # Threads: numpy lets go of the interpreter, and the clips need not be sent to a process.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        try:
            for finished in pool.map(_Job.run, jobs):
                done += finished
                progress("features", done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    result["audio_testing"] = dataset.audio("testing", 0, audio_clips)
    return result


@dataclass(frozen=True, eq=False)
class _Job:
    """A chunk of clips: all their versions, written into their rows of `x`."""

    dataset: Dataset
    spec: FeatureSpec
    table: Augment
    seed: int
    split: Split
    start: int
    copies: int
    x: NDArray[np.int8]

    def run(self) -> int:
        """Compute the chunk and return how many clips it has."""
        clean = self.dataset.audio(self.split, self.start, self.start + _CHUNK)
        for number, audio in enumerate(self._versions(clean)):
            first = number * len(self.dataset.clips[self.split]) + self.start
            self.x[first : first + len(clean)] = frontend.features(audio, self.spec)
        return len(clean)

    def _versions(self, clean: Samples) -> Iterator[Samples]:
        """Yield the clean clips, then each of their augmented copies."""
        yield clean
        clips = self.dataset.clips[self.split][self.start : self.start + _CHUNK]
        for copy in range(1, self.copies + 1):
            yield np.stack([self._version(*pair, copy) for pair in zip(clips, clean, strict=True)])

    def _version(self, clip: Clip, samples: Samples, copy: int) -> Samples:
        rng = generator("augment", self.seed, clip.source, copy)
        noise = self.dataset.noise
        if clip.word == SILENCE:  # another stretch of noise at another level, and no gain on top
            return noise.silence("training", len(samples), rng)
        return augment(samples, noise, self.table, self.dataset.sample_rate_hz, rng)
