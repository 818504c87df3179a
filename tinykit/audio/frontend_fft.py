"""Fixed-point real FFT, vectorized over frames: the twin of `tk_fft.h`.

A real sequence of N samples is taken as H = N / 2 complex numbers (even samples real, odd samples
imaginary), transformed, and split into the two spectra it holds (Press et al., *Numerical Recipes*,
"FFT of single real function").

The complex transform is decimation in time, radix 4, in the conjugate-pair form (Kamar and
Elcherif, 1989). With A, B, C and D the transforms of z[4n], z[4n+1], z[4n+2] and z[4n-1], indices
modulo H, and W = exp(-2 pi i / H),

    Z[k]       = A + W^2k C + (W^k B + W^-k D)      Z[k + H/2]  = A + W^2k C - (W^k B + W^-k D)
    Z[k + H/4] = A - W^2k C - i (W^k B - W^-k D)    Z[k + 3H/4] = A - W^2k C + i (W^k B - W^-k D)

W^-k is the conjugate of W^k: two stored factors serve three products. The first stage, of radix 4
or 2, has no factors.

Range. There is no block scaling. The windowed samples are shifted right once, by a constant, and
each stage with factors halves. No value exceeds the sum of the moduli of what went into it, in the
end `2**30 window / N` for the largest input there is, plus rounding: int32 always holds it.

Noise. Each product is rounded down, which leaves an error of about 4 in the spectrum, whatever the
level. The quantization noise of 16-bit audio is 500 there (N = 512): nothing is lost by not
normalising quiet frames. For loud frames the Q15 window and factors count: 94 dB below the signal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.fft_tables import FftTables
from tinykit.audio.fixed_point import Int, mul_q15

Complex = tuple[Int, Int]
"""Real and imaginary parts."""


def power_spectrum(frames: NDArray[np.int16], constants: FftTables) -> NDArray[np.uint64]:
    """Return the power of the windowed frames in bins 1 to H - 1.

    Parameters
    ----------
    frames : int16 (n, window_samples)

    Returns
    -------
    uint64 (n, H - 1), where 2**(60 - 2 log2 H) is the power of a spectrum of 1.0.
    """
    return squared(*split(transform(windowed(frames, constants), constants), constants))


def squared(re: Int, im: Int) -> NDArray[np.uint64]:
    """Return the power of complex numbers."""
    return (re * re + im * im).astype(np.uint64)


def windowed(frames: NDArray[np.int16], constants: FftTables) -> Complex:
    """Return the windowed samples as complex numbers, zero padded: int64 (n, H) twice."""
    window = np.concatenate([constants.window, constants.window[::-1]])
    size = 4 * (len(constants.twiddle) - 1)
    samples = np.zeros((len(frames), size), np.int64)
    samples[:, : len(window)] = (frames * window) >> constants.shift
    return samples[:, 0::2], samples[:, 1::2]


def transform(values: Complex, constants: FftTables) -> Complex:
    """Return the complex spectrum of (n, H) values, divided by 2 per stage with factors."""
    half = values[0].shape[1]
    legs = (constants.order[:, None] + np.arange(0, half, half // constants.radix)) % half
    re, im = _first_stage(values[0][:, legs], values[1][:, legs])
    span = constants.radix
    while span < half:
        re, im = _stage(re.reshape(-1, 4, span), im.reshape(-1, 4, span), constants.twiddle)
        span *= 4
    return re.reshape(-1, half), im.reshape(-1, half)


def _first_stage(re: Int, im: Int) -> Complex:
    """Transform the last axis, of 2 or 4, without scaling."""
    if re.shape[-1] == 2:
        re, im = (np.stack([x[..., 0] + x[..., 1], x[..., 0] - x[..., 1]], -1) for x in (re, im))
        return re, im
    a, b, c, d = ((re[..., leg], im[..., leg]) for leg in range(4))
    return _butterfly(a, b, c, d, axis=-1)


def _stage(re: Int, im: Int, twiddle: Int) -> Complex:
    """Combine four transforms of `span` (axis 1) into one of `4 * span`, halving."""
    span = re.shape[2]
    step = (len(twiddle) - 1) // span  # in the table, for the angle pi / (2 span)
    once = np.arange(span) * step
    twice = 2 * once
    beyond = twice >= len(twiddle)  # in the second quarter of the circle: turn back, times -i
    first = twiddle[once]
    second = twiddle[np.where(beyond, twice - span * step, twice)]
    second[beyond] = np.stack([second[beyond, 1], -second[beyond, 0]], -1)
    first[0] = second[0] = 32768, 0  # the C halves, which multiplies by exactly one
    a, b, c, d = ((re[:, leg], im[:, leg]) for leg in range(4))
    return _butterfly(
        (a[0] >> 1, a[1] >> 1),
        times(b, first),
        times(c, second),
        times_conjugate(d, first),
        axis=1,
    )


def _butterfly(a: Complex, b: Complex, c: Complex, d: Complex, axis: int) -> Complex:
    (ar, ai), (br, bi), (cr, ci), (dr, di) = a, b, c, d
    sum_r, sum_i, difference_r, difference_i = ar + cr, ai + ci, ar - cr, ai - ci
    both_r, both_i, turn_r, turn_i = br + dr, bi + di, br - dr, bi - di
    re = [sum_r + both_r, difference_r + turn_i, sum_r - both_r, difference_r - turn_i]
    im = [sum_i + both_i, difference_i - turn_r, sum_i - both_i, difference_i + turn_r]
    return np.stack(re, axis), np.stack(im, axis)


def times(x: Complex, factor: Int) -> Complex:
    """Return half the product of `x` with Q15 factors (..., 2); each real product is rounded."""
    re, im = factor[:, 0], factor[:, 1]
    return mul_q15(x[0], re) - mul_q15(x[1], im), mul_q15(x[1], re) + mul_q15(x[0], im)


def times_conjugate(x: Complex, factor: Int) -> Complex:
    """Return half the product with the conjugates: not `times` of them, which rounds otherwise."""
    re, im = factor[:, 0], factor[:, 1]
    return mul_q15(x[0], re) + mul_q15(x[1], im), mul_q15(x[1], re) - mul_q15(x[0], im)


def split(spectrum: Complex, constants: FftTables) -> Complex:
    """Return bins 1 to H - 1 of the real sequence's spectrum: int64 (n, H - 1) twice.

    With E and O the spectra of the even and odd samples, Z = E + i O, hence 2 E[k] = Z[k] + Z*[H-k]
    and 2 i O[k] = Z[k] - Z*[H-k]; then X[k] = E[k] + w^k O[k] and X[H-k] = (E[k] - w^k O[k])*, with
    w = exp(-2 pi i / N).
    """
    re, im = spectrum
    half = re.shape[1]
    low, high = np.arange(1, half // 2 + 1), half - np.arange(1, half // 2 + 1)
    even_r, even_i = (re[:, low] + re[:, high]) >> 1, (im[:, low] - im[:, high]) >> 1
    odd = im[:, low] + im[:, high], re[:, high] - re[:, low]
    odd_r, odd_i = times(odd, constants.twiddle[1:])
    out_r, out_i = np.empty_like(re), np.empty_like(im)
    out_r[:, high], out_i[:, high] = even_r - odd_r, odd_i - even_i
    out_r[:, low], out_i[:, low] = even_r + odd_r, even_i + odd_i
    return out_r[:, 1:], out_i[:, 1:]
