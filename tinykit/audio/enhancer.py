"""An enhancer on this computer: the numpy twin of `templates/enhancer`, sample for sample.

Once a hop, the features of the newest frame go to a model, and its gains to the bands of that
frame. The model is anything that computes them: the golden interpreter, or generated C.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import stft
from tinykit.audio.stft_spec import StftSpec
from tinykit.progress import Progress, silent

Model = Callable[[NDArray[np.int8]], NDArray[Any]]
"""From features of successive hops, int8 (hops, bands), to their gains, int8 or int16, likewise.

Called again with the hops that follow, it goes on from its state.
"""

GATE = 2
"""Outputs beside the gains, of a model that skips: increment and sensitivity."""

_DUE = 1 << 14  # 1/2 in Q15
_SMALLEST = 1 << 7  # 1/256: no model sits out more than 127 hops
_BLOCK = 1000  # hops at a time: a recording may be long, and its spectra are 16 times larger


def gains_q15(given: NDArray[Any]) -> NDArray[np.int16]:
    """Return a model's gains as `stft.bin_gains` takes them: from 0 to 32767.

    Parameters
    ----------
    given : int8 or int16
        int8 has scale 1/256 and zero point -128 (0 to 255/256), int16 scale 1/32768; negative
        gains, which int16 can hold, count as zero.
    """
    if given.dtype == np.int8:
        return (given.astype(np.int16) + 128) << 7
    return np.maximum(given, 0).astype(np.int16)


class Skipping:
    """A model that says with each answer when it has to be asked again; its gains stay till then.

    Its last two outputs, as large as gains, are the increment d of the hops after it (Skip RNN,
    Campos et al., arXiv 1708.06834) and the sensitivity k to change. It is asked for a hop when the
    increments since it was asked last and k * change / 8 sum to 1/2 or more. The change is that of
    the features since then, mean over the bands, in steps: a rise counts as it is, a fall half.

    Attributes
    ----------
    hops, updates : int
        How many hops there were since the reset, and in how many the model was asked.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.reset()

    def reset(self) -> None:
        """Begin again: the first hop asks the model."""
        self.hops = self.updates = 0
        self._waited = _DUE
        self._seen: NDArray[np.int16] = np.zeros(0, np.int16)
        self._answer: NDArray[Any] = np.zeros(0, np.int8)

    def __call__(self, features: NDArray[np.int8]) -> NDArray[Any]:
        """Return the gains of successive hops, (hops, bands) from (hops, bands)."""
        rows = []
        for row in features:
            if self._due(row):
                self._answer = self._model(row[None])[0]
                self._seen = row.astype(np.int16)
                self._waited = 0
                self.updates += 1
            self._waited += max(int(gains_q15(self._answer)[-2]), _SMALLEST)
            self.hops += 1
            rows.append(self._answer[:-GATE])
        return np.stack(rows)

    def _due(self, row: NDArray[np.int8]) -> bool:
        if self._waited >= _DUE:
            return True
        rise = row - self._seen
        change = 8 * int(np.where(rise > 0, 2 * rise, -rise).sum()) // len(row)  # in 1/16 steps
        return self._waited + (change * int(gains_q15(self._answer)[-1]) >> 7) >= _DUE


def enhance(
    samples: NDArray[np.int16], spec: StftSpec, model: Model, progress: Progress = silent
) -> NDArray[np.int16]:
    """Return what a device gives for audio, from its reset on: as many samples, late.

    Parameters
    ----------
    samples : int16 (n,)

    Returns
    -------
    int16 (n,)
        Sample `t` belongs to sample `t - spec.delay_samples` of the input.
    """
    hop, kept = spec.hop_samples, spec.overlap - 1
    hops = len(samples) // hop
    if not hops:
        return np.zeros_like(samples)
    frames = stft.frames(samples[: hops * hop], spec)
    made = [np.zeros(hop, np.int16)]  # while the first hop comes in
    late = np.zeros((kept, spec.bins), np.int64), np.zeros((kept, spec.bins), np.int64)
    for at in range(0, hops, _BLOCK):
        progress("enhance", at, hops)
        spectrum = stft.analyse(frames[at : at + _BLOCK], spec)
        gains = gains_q15(model(stft.features(spectrum, spec)))
        shaped = stft.apply(spectrum, stft.bin_gains(gains, spec))
        # The frames before, which overlap these: their own samples left with the last block.
        joined = tuple(np.concatenate(pair) for pair in zip(late, shaped, strict=True))
        made.append(stft.synthesize((joined[0], joined[1]), spec)[kept * hop :])
        late = joined[0][-kept:], joined[1][-kept:]
    progress("enhance", hops, hops)
    return np.concatenate(made)[: len(samples)]


def lengthened(samples: NDArray[np.int16], spec: StftSpec) -> NDArray[np.int16]:
    """Return a recording with so much silence behind it that all of it comes out."""
    return np.concatenate([samples, np.zeros(spec.delay_samples, np.int16)])


def aligned(enhanced: NDArray[np.int16], spec: StftSpec) -> NDArray[np.int16]:
    """Return what a `lengthened` recording gave, without the delay."""
    return enhanced[spec.delay_samples :]
