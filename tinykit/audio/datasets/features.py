"""From clips to what a model is trained on: augmented, through the front end, as int8 rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.audio import frontend, rooms
from tinykit.audio.augment import augment
from tinykit.audio.datasets.classes import SILENCE
from tinykit.audio.datasets.dataset import Clip, Dataset, Samples
from tinykit.audio.datasets.feature_cache import FeatureCache
from tinykit.audio.rooms import Response
from tinykit.audio.seeded import fraction, generator
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import SPLITS, Split
from tinykit.config import Augment
from tinykit.progress import Progress, silent

_CHUNK = 64
"""Clips at a time, at most on average: 2 MB of audio, and some 20 MB inside the front end."""


def features(
    dataset: Dataset,
    spec: FeatureSpec,
    table: Augment,
    seed: int = 0,
    progress: Progress = silent,
    audio_clips: int = 20,
    responses: Sequence[Response] = (),
) -> dict[str, NDArray]:
    """Compute what `features.npz` holds, or take it from the cache, piece by piece.

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
    responses : sequence of float (samples,)
        Rooms for `table` (`tinykit.audio.rooms.load`).

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
    work = _Work(
        dataset, spec, table, seed, responses, _cache(dataset, spec, table, seed, responses)
    )
    result: dict[str, NDArray] = {"labels": np.array(dataset.labels)}
    jobs: list[_Job] = []
    for split in SPLITS:
        rows = counts[split] * (1 + copies[split])
        x = np.empty((rows, spec.frames, spec.width), np.int8)
        result[f"x_{split}"] = x
        result[f"y_{split}"] = np.tile(dataset.targets(split), 1 + copies[split])
        blocks = x.reshape(1 + copies[split], counts[split], spec.frames, spec.width)
        jobs += [_Job(work, split, members, blocks) for members in chunks(dataset.clips[split])]
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
    work.cache.trim()
    result["audio_testing"] = dataset.audio("testing", 0, audio_clips)
    return result


def chunks(clips: Sequence[Clip]) -> list[list[int]]:
    """Share out the clips by a hash of their source; return the indices of each chunk.

    A clip more or less changes one chunk, so the cache keeps the others.
    """
    count = 1 << max(0, (len(clips) - 1) // _CHUNK).bit_length()
    members: list[list[int]] = [[] for _ in range(count)]
    for index, clip in enumerate(clips):
        members[int(fraction("chunk", clip.source) * count)].append(index)
    return [chunk for chunk in members if chunk]


def _cache(
    dataset: Dataset,
    spec: FeatureSpec,
    table: Augment,
    seed: int,
    responses: Sequence[Response],
) -> FeatureCache:
    settings = (spec, table, seed, dataset.sample_rate_hz, dataset.noise_sha256)
    return FeatureCache([msgspec.json.encode(settings), *rooms.digest(responses)])


@dataclass(frozen=True, eq=False)
class _Work:
    """What every chunk is computed with."""

    dataset: Dataset
    spec: FeatureSpec
    table: Augment
    seed: int
    responses: Sequence[Response]
    cache: FeatureCache


@dataclass(frozen=True, eq=False)
class _Job:
    """A chunk of clips of a split: all their versions, written into their rows.

    blocks : int8 (versions, clips of the split, frames, width)
    """

    work: _Work
    split: Split
    members: list[int]
    blocks: NDArray[np.int8]

    def run(self) -> int:
        """Find or compute the chunk and return how many clips it has."""
        cache = self.work.cache
        versions, _, frames, width = self.blocks.shape
        clips = [self.work.dataset.clips[self.split][index] for index in self.members]
        key = cache.key((str(versions), c.word, c.source, c.audio.sha256()) for c in clips)
        piece = cache.get(key, (versions, len(clips), frames, width))
        if piece is None:
            piece = np.stack(
                [frontend.features(audio, self.work.spec) for audio in self._versions(clips)]
            )
            cache.put(key, piece)
        self.blocks[:, self.members] = piece
        return len(clips)

    def _versions(self, clips: Sequence[Clip]) -> Iterator[Samples]:
        """Yield the clean clips, then each of their augmented copies."""
        dataset = self.work.dataset
        clean = [clip.audio.samples(dataset.clip_samples, dataset.sample_rate_hz) for clip in clips]
        yield np.stack(clean)
        for copy in range(1, len(self.blocks)):
            yield np.stack([self._version(*pair, copy) for pair in zip(clips, clean, strict=True)])

    def _version(self, clip: Clip, samples: Samples, copy: int) -> Samples:
        work = self.work
        rng = generator("augment", work.seed, clip.source, copy)
        noise, rate_hz = work.dataset.noise, work.dataset.sample_rate_hz
        if clip.word == SILENCE:  # another stretch of noise at another level, and no gain on top
            return noise.silence("training", len(samples), rng)
        return augment(samples, noise, work.table, rate_hz, rng, work.responses)
