"""The 16-bit real FFT of the `micro` front end, over many frames; the twin of `tk_micro_fft.h`.

Models of the family were trained on the rounding of KISS FFT in 16-bit fixed point, so each of its
steps is done here in the same order. A real sequence of N samples is taken as H = N / 2 complex
numbers, transformed by decimation in time with radix 4 (radix 2 first where H is no power of 4),
and parted into the spectra of even and odd samples.

Before each butterfly of radix r, every value is multiplied by `floor(32767 / r) / 32768` and
rounded, so nothing grows; factors are 16-bit numbers of which 32767 stands for one. Sums wrap as
16-bit numbers do.
"""

from __future__ import annotations

import numpy as np

from tinykit.audio.fixed_point import Int
from tinykit.audio.micro_tables import MicroTables

Complex = tuple[Int, Int]


def spectrum(samples: Int, constants: MicroTables) -> Complex:
    """Return bins 1 to H - 1 of the spectra of real frames: int64 (n, N) -> (n, H - 1) twice."""
    half = len(constants.twiddle)
    legs = constants.order[:, None] + np.arange(0, half, half // constants.radix)
    re, im = samples[:, 0::2][:, legs], samples[:, 1::2][:, legs]  # (n, H / radix, radix)
    values = _first_stage(re, im)
    span = constants.radix
    while span < half:
        re, im = (x.reshape(-1, 4, span) for x in values)
        values = _stage(re, im, constants.twiddle)
        span *= 4
    re, im = (x.reshape(-1, half) for x in values)
    return _split(re, im, constants.split_twiddle)


def _wrapped(x: Int) -> Int:
    return x.astype(np.int16).astype(np.int64)


def _rounded(x: Int) -> Int:
    return (x + (1 << 14)) >> 15


def _divided(x: Int, by: int) -> Int:
    return _rounded(x * (32767 // by))


def _times(re: Int, im: Int, factor: Int) -> Complex:
    cos, sin = factor[:, 0], factor[:, 1]
    return _rounded(re * cos - im * sin), _rounded(re * sin + im * cos)


def _first_stage(re: Int, im: Int) -> Complex:
    """Transform the last axis, of 2 or 4; the factors are 32767, which leaves divided values be."""
    radix = re.shape[-1]
    re, im = _divided(re, radix), _divided(im, radix)
    if radix == 2:
        both = [np.stack([x[..., 0] + x[..., 1], x[..., 0] - x[..., 1]], -1) for x in (re, im)]
        return _wrapped(both[0]), _wrapped(both[1])
    legs = [(re[..., leg], im[..., leg]) for leg in range(4)]
    return _butterfly(legs, axis=-1)


def _stage(re: Int, im: Int, twiddle: Int) -> Complex:
    """Combine four transforms of `span` (axis 1) into one of `4 * span`."""
    span = re.shape[2]
    step = len(twiddle) // (4 * span)
    re, im = _divided(re, 4), _divided(im, 4)
    legs = [(re[:, 0], im[:, 0])]
    for leg in range(1, 4):
        factor = twiddle[leg * step * np.arange(span)]
        legs.append(_times(re[:, leg], im[:, leg], factor))
    return _butterfly(legs, axis=1)


def _butterfly(legs: list[Complex], axis: int) -> Complex:
    (ar, ai), (br, bi), (cr, ci), (dr, di) = legs
    sum_r, sum_i, difference_r, difference_i = ar + cr, ai + ci, ar - cr, ai - ci
    both_r, both_i, turn_r, turn_i = br + dr, bi + di, br - dr, bi - di
    re = [sum_r + both_r, difference_r + turn_i, sum_r - both_r, difference_r - turn_i]
    im = [sum_i + both_i, difference_i - turn_r, sum_i - both_i, difference_i + turn_r]
    return _wrapped(np.stack(re, axis)), _wrapped(np.stack(im, axis))


def _split(re: Int, im: Int, twiddle: Int) -> Complex:
    half = re.shape[1]
    low, high = np.arange(1, half // 2 + 1), half - np.arange(1, half // 2 + 1)
    a_r, a_i = _divided(re[:, low], 2), _divided(im[:, low], 2)
    b_r, b_i = _divided(re[:, high], 2), _divided(_wrapped(-im[:, high]), 2)
    even_r, even_i = a_r + b_r, a_i + b_i
    odd_r, odd_i = map(_wrapped, _times(a_r - b_r, a_i - b_i, twiddle))
    out_r, out_i = np.empty_like(re), np.empty_like(im)
    # In the middle both are the same bin, rounded differently: the high one counts.
    out_r[:, low], out_i[:, low] = (even_r + odd_r) >> 1, (even_i + odd_i) >> 1
    out_r[:, high], out_i[:, high] = (even_r - odd_r) >> 1, (odd_i - even_i) >> 1
    return out_r[:, 1:], out_i[:, 1:]
