"""The integer tables of the `micro` front end: what the numpy twin and the C both compute with."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinykit.audio.fixed_point import Int
from tinykit.audio.frontend_mel import Bands
from tinykit.audio.micro_spec import Micro

if TYPE_CHECKING:
    from tinykit.audio.spec import FeatureSpec

WINDOW_BITS = 12
WEIGHT_BITS = 12
"""Fraction bits of the window and of the filters' weights."""

SMOOTHING_BITS = 14
"""Fraction bits of the two smoothing factors and of the least signal that is left."""

SNR_BITS = 12
"""Fraction bits of a signal divided by its noise."""

LOG_SEGMENTS = 128
"""Pieces of the logarithm's table between two powers of two."""

UNIT = 1.0 / 25.6
"""What one step of the front end's 16-bit output means in the models' real numbers: 0.0390625."""

REQUANTIZE_SHIFT = 40

_single = np.float32

_LOG1P = (0.14798198640, 0.15313838422, 0.18183572590, 0.22222198546, 0.28571429849, 0.4, 2 / 3)


@dataclass(frozen=True, eq=False)
class MicroTables:
    """The constants of one `FeatureSpec` of kind `micro`; H is half its FFT size.

    Attributes
    ----------
    window : int32 (window_samples,)
        Hann window, Q12.
    order : int64 (H / radix,)
        First input of each butterfly of the first stage; the others follow at steps of H / radix.
    radix : int
        Of the first stage: 4, or 2 where H is no power of 4. All others are radix 4.
    twiddle : int32 (H, 2)
        cos and -sin of 2 pi k / H, times 32767.
    split_twiddle : int32 (H / 2, 2)
        The factors that part the spectra of even and odd samples, for bins 1 to H / 2.
    bands : Bands
        Weight of the *falling* filter for each bin, Q12.
    smoothing : int64 (mel_bins,)
        Factors of the noise estimates, Q14.
    least : int
        Share of the signal that is always left, Q14.
    gain : int64 (125,)
        Pieces of second order of the gain as a function of the noise.
    snr_shift : int
        Right shift of signal times gain.
    correction_bits : int
        Left shift before the logarithm, which undoes the scale of the FFT.
    log : int64 (129,)
        `2**16 (log2(1 + i / 128) - i / 128)`.
    multiplier, bias : int
        `int8 = (value * multiplier + bias) >> REQUANTIZE_SHIFT`.
    """

    window: Int
    order: Int
    radix: int
    twiddle: Int
    split_twiddle: Int
    bands: Bands
    smoothing: Int
    least: int
    gain: Int
    snr_shift: int
    correction_bits: int
    log: Int
    multiplier: int
    bias: int


@functools.lru_cache(maxsize=16)
def tables(spec: FeatureSpec) -> MicroTables:
    """Return the tables of `spec`."""
    half = spec.fft_size // 2
    micro = spec.micro
    radix = 4 if half.bit_length() % 2 else 2
    correction_bits = _correction_bits(spec.fft_size)
    even, odd, least = (
        int(_single(share) * _single(1 << SMOOTHING_BITS))
        for share in (micro.even_smoothing, micro.odd_smoothing, micro.min_signal)
    )
    multiplier = UNIT / spec.scale * 2.0**REQUANTIZE_SHIFT
    return MicroTables(
        window=_window(spec.window_samples),
        order=_order(half, radix),
        radix=radix,
        twiddle=_phasors([-2.0 * math.pi * k / half for k in range(half)]),
        split_twiddle=_phasors(
            [-math.pi * ((k + 1) / half + 0.5) for k in range(half // 2)],
        ),
        bands=bands(spec.sample_rate_hz, spec.fft_size, spec.mel_bins, spec.low_hz, spec.high_hz),
        smoothing=np.where(np.arange(spec.mel_bins) % 2, odd, even),
        least=least,
        gain=gain(micro, spec.fft_size),
        snr_shift=micro.gain_bits - correction_bits - SNR_BITS,
        correction_bits=correction_bits,
        log=_log(),
        multiplier=round(multiplier),
        bias=(spec.zero_point << REQUANTIZE_SHIFT) + (1 << (REQUANTIZE_SHIFT - 1)),
    )


def _window(length: int) -> Int:
    """Return `sin(pi (n + 1/2) / length)**2`, computed in single precision as the original does."""
    turn, half = _single(2.0 * math.pi / length), _single(0.5)
    cosines = (_single(math.cos(turn * _single(n + 0.5))) for n in range(length))
    return np.array([_nearest(_single(half - half * c), WINDOW_BITS) for c in cosines])


def _nearest(value: np.float32, bits: int) -> int:
    """Return a number below 2 with `bits` fraction bits."""
    return math.floor(_single(value * _single(1 << bits)) + _single(0.5))


def _phasors(phases: list[float]) -> Int:
    return np.array(
        [
            (math.floor(0.5 + 32767 * math.cos(p)), math.floor(0.5 + 32767 * math.sin(p)))
            for p in phases
        ],
        np.int64,
    ).reshape(-1, 2)


def _order(half: int, radix: int) -> Int:
    offsets, step = [0], 1
    while half // step > radix:
        offsets = [offset + digit * step for offset in offsets for digit in range(4)]
        step *= 4
    return np.array(offsets)


def _mel(hz: np.float32) -> np.float32:
    """Return the pitch in mel: `1127 ln(1 + hz / 700)`."""
    return _single(1127.0) * _log1p(hz / _single(700.0))


def _log1p(x: np.float32) -> np.float32:
    """Return ln(1 + x) for x >= 0 with the rounding errors of the usual C library.

    Nearly one weight in a hundred would differ by one if it were rounded correctly. The method is
    that of FDLIBM (Sun Microsystems, 1993): 1 + x = 2**k (1 + f) with f from sqrt(1/2) - 1 to
    sqrt(2) - 1, s = f / (2 + f), and ln(1 + f) = f - f**2 / 2 + s (f**2 / 2 + R(s**2)).
    """
    one, k, c = _single(1.0), 0, _single(0.0)
    f = x
    if x >= _single(0.41421354):
        u = one + x
        k = math.frexp(float(u))[1] - 1
        c = (one - (u - x) if k > 0 else x - (u - one)) / u  # what u lost of x
        f = u / _single(1 << k)
        if f > _single(1.4142065):
            k, f = k + 1, f / _single(2.0)
        f = f - one
    half_square = _single(0.5) * f * f
    s = f / (_single(2.0) + f)
    z = s * s
    r = _single(0.0)
    for coefficient in _LOG1P:
        r = z * (_single(coefficient) + r)
    tail = s * (half_square + r)
    if k == 0:
        return f - (half_square - tail)
    high, low = _single(k) * _single(6.9313812256e-01), _single(k) * _single(9.0580006145e-06)
    return high - ((half_square - (tail + (low + c))) - f)


def bands(
    sample_rate_hz: int, fft_size: int, mel_bins: int, low_hz: float, high_hz: float
) -> Bands:
    """Return the bins between each two neighbouring mel edges, with the falling filter's weight.

    In single precision, as the original: the last bit of a weight, or of an edge, depends on it.
    """
    hz_per_bin = _single(sample_rate_hz / fft_size)
    lowest = _mel(_single(low_hz))
    spacing = (_mel(_single(high_hz)) - lowest) / _single(mel_bins + 1)
    edges = [lowest + spacing * _single(i) for i in range(mel_bins + 2)]
    first = index = int(1.5 + low_hz / hz_per_bin)
    weights: list[tuple[int, ...]] = []
    for below, above in itertools.pairwise(edges):
        band = []
        while (pitch := _mel(_single(index) * hz_per_bin)) <= above:
            if index < fft_size // 2:  # the last bin could only weigh nothing
                band.append(_nearest((above - pitch) / (above - below), WEIGHT_BITS))
            index += 1
        weights.append(tuple(band))
    return Bands(first, tuple(weights))


def _correction_bits(fft_size: int) -> int:
    return fft_size.bit_length() - 1 - WEIGHT_BITS // 2


def gain(micro: Micro, fft_size: int) -> Int:
    """Return the table of the gain: two values, then value, slope, curve, 0 per power of two.

    Between 2**(n-1) and 2**n the gain is a parabola through three points of
    `2**gain_bits (noise + offset) ** -strength`.
    """
    one = _single(1 << (micro.smoothing_bits - _correction_bits(fft_size)))

    def at(noise: int) -> int:
        level = _single(noise) / one + _single(micro.pcan_offset)
        power = _single(float(level) ** -float(_single(micro.pcan_strength)))
        value = _single(1 << micro.gain_bits) * power
        return 0x7FFF if value > 0x7FFF else int(value + _single(0.5))

    pieces = [at(0), at(1)]
    for bits in range(2, 33):
        low = 1 << (bits - 1)
        high = 2 * low if bits < 32 else 2 * low - 1
        start, middle, end = at(low), at(low + low // 2), at(high)
        slope = 4 * (middle - start) - (end - start)
        pieces += [start, slope, end - start - slope, 0]
    return np.array(pieces[:-1])


def _log() -> Int:
    steps = np.arange(LOG_SEGMENTS + 1) / LOG_SEGMENTS
    return np.round(65536 * (np.log2(1 + steps) - steps)).astype(np.int64)
