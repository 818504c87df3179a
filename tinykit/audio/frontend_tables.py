"""The integer tables of a front end: what the numpy twin and the C both compute with.

They are rounded from double precision once, here. Two machines could only disagree about an entry
where their `sin` or `log` differ by an ulp just at a rounding tie.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from tinykit.audio.fft_tables import FftTables, fft_tables, power_of_sine
from tinykit.audio.fixed_point import LOG2_FRACTION_BITS, Int
from tinykit.audio.frontend_mel import Bands
from tinykit.audio.spec import FLOOR_LOG2, FeatureSpec

REQUANTIZE_BITS = 30
"""The requantization multiplier lies in 2**30 to 2**31 - 1."""


@dataclass(frozen=True, eq=False)
class Tables(FftTables):
    """The constants of one `FeatureSpec`: those of its FFT, and what follows.

    Attributes
    ----------
    first_bin : int
        The first spectral bin that has a weight.
    band_bins : int64 (mel_bins + 1,)
        Bins in each band between two mel edges (see `frontend_mel`).
    weights : int64 (sum of band_bins,)
        Weight of the rising filter for each bin, Q15.
    floor_log2 : int
        log2 of the energy added to each filter, in the units of the power spectrum.
    dct : int64 (coefficients, (mel_bins + 1) // 2)
        Liftered DCT-II, its first half (even rows are symmetric, odd rows antisymmetric), with
        `dct_bits` fraction bits. Empty for `log_mel`.
    multiplier, requantize_shift, bias_first, bias : int
        `int8 = (value * multiplier + bias) >> requantize_shift`. `bias_first` is for coefficient
        0 of the MFCC, the only one that a constant added to all logarithms changes.
    """

    first_bin: int
    band_bins: Int
    weights: Int
    floor_log2: int
    dct: Int
    dct_bits: int
    multiplier: int
    requantize_shift: int
    bias_first: int
    bias: int


@functools.lru_cache(maxsize=16)
def tables(spec: FeatureSpec) -> Tables:
    """Return the tables of `spec`."""
    fft = fft_tables(spec.fft_size, power_of_sine(spec.window_samples, 2))
    return assemble(fft, spec.mel_bands(), spec.scale, spec.zero_point, *_dct(spec))


_NO_DCT: Int = np.zeros((0, 0), np.int64)


def assemble(
    fft: FftTables,
    bands: Bands,
    scale: float,
    zero_point: int,
    dct: Int = _NO_DCT,
    dct_bits: int = 0,
) -> Tables:
    """Return the tables for features of an FFT, bands and, for MFCC, the rows of a DCT."""
    floor_log2 = 2 * (30 - fft.half.bit_length() + 1) + FLOOR_LOG2
    mel_bins = len(bands.weights) - 1
    fraction_bits = dct_bits if len(dct) else LOG2_FRACTION_BITS
    gain = math.log(2.0) / scale
    requantize_shift = fraction_bits + REQUANTIZE_BITS - math.floor(math.log2(gain))
    one = 1 << requantize_shift
    # What the floor adds: to every logarithm, or to coefficient 0 of their cepstrum.
    floor = FLOOR_LOG2 * gain * (math.sqrt(mel_bins) if len(dct) else 1.0)
    return Tables(
        **vars(fft),
        first_bin=bands.first,
        band_bins=np.array([len(band) for band in bands.weights]),
        weights=np.array([weight for band in bands.weights for weight in band]),
        floor_log2=floor_log2,
        dct=dct,
        dct_bits=dct_bits,
        multiplier=min(round(gain * 2.0 ** (requantize_shift - fraction_bits)), 2**31 - 1),
        requantize_shift=requantize_shift,
        bias_first=round((zero_point + floor) * one) + one // 2,
        bias=round((zero_point if len(dct) else zero_point + floor) * one) + one // 2,
    )


def _dct(spec: FeatureSpec) -> tuple[Int, int]:
    if spec.kind != "mfcc":
        return _NO_DCT, 0
    bins, lifter = spec.mel_bins, spec.lifter
    rows = []
    for k in range(spec.coefficients):
        norm = math.sqrt((2.0 if k else 1.0) / bins)
        lift = 1.0 + lifter / 2.0 * math.sin(math.pi * k / lifter) if lifter else 1.0
        rows.append(
            [
                lift * norm * math.cos(math.pi * k * (2 * m + 1) / (2 * bins))
                for m in range((bins + 1) // 2)
            ]
        )
    largest = max(abs(value) for row in rows for value in row)
    bits = math.floor(math.log2(32767 / largest))
    return np.array([[round(v * 2.0**bits) for v in row] for row in rows]), bits
