"""The mel filter bank: where the triangles stand, and which spectral bins they weigh.

Filter `m` is a triangle on the mel axis from edge `m` over edge `m + 1` (weight 1) to edge `m + 2`.
Between two neighbouring edges one filter falls while the next one rises, and the two weights of a
bin sum to 1. So a bin needs one stored weight: that of the rising filter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

WEIGHT_BITS = 15
"""Weights are unsigned integers, `weight * 2**15`: 0 to 32768."""


class Bands(NamedTuple):
    """The bins between each two neighbouring edges, from bin `first` on without a gap.

    `weights[b]` holds, for each bin of band b, the weight of filter b, which rises there; filter
    b - 1 falls, with weight `2**15 - weight`.
    """

    first: int
    weights: tuple[tuple[int, ...], ...]


def mel(hz: float) -> float:
    """Return the pitch of `hz` in mel: `2595 log10(1 + hz / 700)` (O'Shaughnessy; also HTK's)."""
    return 2595.0 * math.log10(1.0 + hz / 700.0)


def erb(hz: float) -> float:
    """Return the ERB-rate of `hz`: `21.4 log10(1 + 0.00437 hz)` (Glasberg and Moore, 1990)."""
    return 21.4 * math.log10(1.0 + 0.00437 * hz)


PITCHES: dict[str, Callable[[float], float]] = {"mel": mel, "erb": erb}


def bands(
    sample_rate_hz: int,
    fft_size: int,
    mel_bins: int,
    low_hz: float,
    high_hz: float,
    pitch: Callable[[float], float] = mel,
) -> Bands:
    """Return the `mel_bins + 1` bands between edges that are equally spaced in `pitch`.

    Bin 0 (DC) and bin `fft_size / 2` (Nyquist) are in no band: they can only lie on the outermost
    edges, where every triangle is 0.
    """
    lowest, highest = pitch(low_hz), pitch(high_hz)
    step = (highest - lowest) / (mel_bins + 1)
    first = fft_size // 2
    weights: list[list[int]] = [[] for _ in range(mel_bins + 1)]
    for index in range(1, fft_size // 2):
        position = (pitch(index * sample_rate_hz / fft_size) - lowest) / step
        if 0.0 < position < mel_bins + 1:
            first = min(first, index)
            weights[int(position)].append(round(position % 1.0 * (1 << WEIGHT_BITS)))
    return Bands(first, tuple(tuple(band) for band in weights))


def empty_filters(bands: Bands) -> list[int]:
    """Return the filters (from 0) in which no bin has any weight."""
    one = 1 << WEIGHT_BITS
    rising, falling = bands.weights[:-1], bands.weights[1:]
    return [
        index
        for index, (up, down) in enumerate(zip(rising, falling, strict=True))
        if not any(up) and all(weight == one for weight in down)
    ]
