"""What an enhancer makes of recordings, in float and in integers, and how it sounds.

Both times between the integer transforms, as on the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.audio import enhancer, mixtures, stft
from tinykit.audio.mixtures import Mixture, Sources
from tinykit.audio.stft_spec import StftSpec
from tinykit.evaluate.enhancement import Quality, quality
from tinykit.quantize import enhancement
from tinykit.train.backend import keras

TEST_SECONDS = 4.0  # of each mixture that is measured on
TEST_SNRS_DB = (0.0, 5.0, 10.0)
TEST_LEVEL_DB = -26.0
TEST_SPEAKERS = 10  # at most: each at every ratio
FLOAT_BATCH = 20  # recordings at a time


def test_mixtures(sources: Sources, seed: int) -> list[Mixture]:
    """Return mixtures of held-out speakers and noises, the first ones at every ratio."""
    count = round(TEST_SECONDS * sources.sample_rate_hz)
    chosen = [
        mixtures.whole(sources, "testing", snr_db, seed, TEST_LEVEL_DB, count)[:TEST_SPEAKERS]
        for snr_db in TEST_SNRS_DB
    ]
    return [one for same_speaker in zip(*chosen, strict=True) for one in same_speaker]


def features_of(samples: NDArray[np.int16], spec: StftSpec) -> NDArray[np.int8]:
    """Return the device's features of a recording, int8 (frames, bands)."""
    whole = len(samples) // spec.hop_samples * spec.hop_samples
    return stft.features(stft.analyse(stft.frames(samples[:whole], spec), spec), spec)


def enhanced_in_float(
    model: keras.Model, recordings: Sequence[NDArray[np.int16]], spec: StftSpec
) -> list[NDArray[np.int16]]:
    """Return recordings enhanced by the float network's gains in the integer transforms."""
    features = [features_of(enhancer.lengthened(one, spec), spec) for one in recordings]
    longest = max(map(len, features))
    made = []
    for start in range(0, len(features), FLOAT_BATCH):
        some = features[start : start + FLOAT_BATCH]
        padded = [np.pad(one, ((0, longest - len(one)), (0, 0))) for one in some]
        gains = model.predict_on_batch(enhancement.to_real(np.stack(padded), spec))
        for samples, given in zip(recordings[start:], gains, strict=False):
            made.append(enhanced(samples, spec, _replayed(np.rint(given * 32767.0))))
    return made


def _replayed(gains: NDArray[np.floating]) -> enhancer.Model:
    """Return gains that are known already as `audio.enhancer.enhance` asks for them."""
    rows = iter(gains.astype(np.int16))
    return lambda features: np.stack(list(islice(rows, len(features))))


def enhanced(
    samples: NDArray[np.int16], spec: StftSpec, model: enhancer.Model
) -> NDArray[np.int16]:
    """Return the enhanced recording without the delay, as many samples."""
    return enhancer.aligned(enhancer.enhance(enhancer.lengthened(samples, spec), spec, model), spec)


def by_ratio(
    sounds: dict[str, list[NDArray[np.int16]]],
    clean: NDArray[np.int16],
    snr_db: NDArray[np.float64],
    spec: StftSpec,
) -> list[dict[str, Any]]:
    """Return the quality of each kind of sound at each signal-to-noise ratio."""
    rows: list[dict[str, Any]] = []
    for ratio in np.unique(snr_db):
        chosen = np.flatnonzero(snr_db == ratio)
        wanted = [clean[index] for index in chosen]
        for name, given in sounds.items():
            found: Quality = quality([given[i] for i in chosen], wanted, spec.sample_rate_hz)
            rows.append({"snr_db": float(ratio), "sound": name, **msgspec.to_builtins(found)})
    return rows
