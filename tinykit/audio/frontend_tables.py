"""The integer tables of a front end: what the numpy twin and the C both compute with.

They are rounded from double precision once, here. Two machines could only disagree about an entry
where their `sin` or `log` differ by an ulp just at a rounding tie.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from tinykit.audio.fixed_point import LOG2_FRACTION_BITS, Int
from tinykit.audio.spec import FLOOR_LOG2, FeatureSpec

REQUANTIZE_BITS = 30
"""The requantization multiplier lies in 2**30 to 2**31 - 1."""


@dataclass(frozen=True, eq=False)
class Tables:
    """The constants of one `FeatureSpec`; H is half its FFT size, the length of the complex FFT.

    Attributes
    ----------
    window : int64 (window_samples / 2,)
        First half of a symmetric Hann window, `sin(pi (n + 1/2) / window_samples)**2`, times
        32767.
    shift : int
        Windowed samples (Q30) are shifted right by it before the FFT.
    radix : int
        Of the FFT's first stage: 4 or 2. The others are radix 4.
    order : int64 (H / radix,)
        Index of the first input of each butterfly of the first stage; the others follow at steps of
        H / radix, modulo H.
    twiddle : int64 (H / 2 + 1, 2)
        cos and -sin of 2 pi k / fft_size for a quarter of the circle, Q15. 1 is clipped to 32767
        (nothing is multiplied by it), -1 is exact.
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

    window: Int
    shift: int
    radix: int
    order: Int
    twiddle: Int
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
    half = spec.fft_size // 2
    radix = 4 if half.bit_length() % 2 else 2
    # The first stage adds `radix` values, each later one four and halves: the shift leaves room for
    # both, so that a spectrum of 1.0 (full-scale samples) is 2**30 / half, whatever the size.
    twiddled_stages = (half // radix).bit_length() // 2
    bands = spec.mel_bands()
    floor_log2 = 2 * (30 - half.bit_length() + 1) + FLOOR_LOG2
    dct, dct_bits = _dct(spec)
    fraction_bits, row_sum = LOG2_FRACTION_BITS, 1.0
    if spec.kind == "mfcc":
        fraction_bits, row_sum = dct_bits, math.sqrt(spec.mel_bins)
    gain = math.log(2.0) / spec.scale
    requantize_shift = fraction_bits + REQUANTIZE_BITS - math.floor(math.log2(gain))
    one = 1 << requantize_shift
    rest = spec.zero_point if spec.kind == "mfcc" else spec.zero_point + FLOOR_LOG2 * gain
    return Tables(
        window=_window(spec.window_samples),
        shift=half.bit_length() - 1 - twiddled_stages,
        radix=radix,
        order=_order(half, radix),
        twiddle=_twiddle(spec.fft_size),
        first_bin=bands.first,
        band_bins=np.array([len(band) for band in bands.weights]),
        weights=np.array([weight for band in bands.weights for weight in band]),
        floor_log2=floor_log2,
        dct=dct,
        dct_bits=dct_bits,
        multiplier=min(round(gain * 2.0 ** (requantize_shift - fraction_bits)), 2**31 - 1),
        requantize_shift=requantize_shift,
        bias_first=round((spec.zero_point + FLOOR_LOG2 * gain * row_sum) * one) + one // 2,
        bias=round(rest * one) + one // 2,
    )


def _window(length: int) -> Int:
    return np.array(
        [round(32767 * math.sin(math.pi * (n + 0.5) / length) ** 2) for n in range(length // 2)]
    )


def _twiddle(size: int) -> Int:
    angles = [2.0 * math.pi * k / size for k in range(size // 4 + 1)]
    return np.array(
        [(min(round(32768 * math.cos(a)), 32767), -round(32768 * math.sin(a))) for a in angles]
    )


def _order(half: int, radix: int) -> Int:
    """Return the input order of the conjugate-pair FFT: `frontend_fft` has the recursion."""
    offsets, step = [0], 1
    while half // step > radix:
        offsets = [offset + digit * step for offset in offsets for digit in (0, 1, 2, -1)]
        step *= 4
    return np.array(offsets) % half


def _dct(spec: FeatureSpec) -> tuple[Int, int]:
    if spec.kind != "mfcc":
        return np.zeros((0, 0), np.int64), 0
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
