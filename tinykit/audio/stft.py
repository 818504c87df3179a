"""Short-time Fourier transform and its inverse in integers: the numpy twin of `tk_stft.h`.

Analysis is that of the front end (`frontend_fft`). A spectrum is kept as H complex numbers: bins 1
to H - 1, and in place 0 the two real ones, bin 0 (real part) and bin H (imaginary part).

The inverse undoes the split of the two interleaved sequences, then runs the same transform: the
inverse is the conjugate of the transform of the conjugate.

Range. Between the two stands a gain of at most one for each bin. Such a filter cannot add energy,
but can gather all of it in one sample: the largest output is sqrt(N) times full scale. All stages
have room for that: the gains leave half of the spectrum, and each stage with factors halves, where
the sums that it adds up grow by no more than two (Cauchy and Schwarz). Overlapping frames add up
in units of 2**-6 of a sample's step, and the output saturates.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.fft_tables import fft_tables, power_of_sine
from tinykit.audio.fixed_point import Int, mul_q15, requantize
from tinykit.audio.frontend import log_energies, mel_energies
from tinykit.audio.frontend_fft import (
    Complex,
    split,
    squared,
    times_conjugate,
    transform,
    windowed,
)
from tinykit.audio.frontend_mel import WEIGHT_BITS
from tinykit.audio.frontend_tables import Tables, assemble
from tinykit.audio.stft_spec import StftSpec

OVERLAP_BITS = 6
"""Fraction bits of the sums of overlapping frames, below a sample's step."""

GAIN_ONE = 32767
"""The gain (Q15) that leaves a bin as it is."""


@functools.lru_cache(maxsize=16)
def tables(spec: StftSpec) -> Tables:
    """Return the tables of `spec`."""
    fft = fft_tables(spec.window_samples, power_of_sine(spec.window_samples, 1))
    return assemble(fft, spec.filters(), spec.scale, spec.zero_point)


def frames(samples: NDArray[np.int16], spec: StftSpec) -> NDArray[np.int16]:
    """Return the frames of a signal before which there was silence.

    Parameters
    ----------
    samples : int16 (n,)
        The end that does not fill a hop is left out.

    Returns
    -------
    int16 (hops, window_samples)
        One for each hop; it ends with that hop.
    """
    window, hop = spec.window_samples, spec.hop_samples
    padded = np.concatenate([np.zeros(window - hop, np.int16), samples])
    return np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]


def analyse(frames: NDArray[np.int16], spec: StftSpec) -> Complex:
    """Return the spectra of frames: int16 (n, window_samples) -> int64 (n, H) twice."""
    constants = tables(spec)
    re, im = transform(windowed(frames, constants), constants)
    first = re[:, 0] + im[:, 0], re[:, 0] - im[:, 0]
    rest = split((re, im), constants)
    joined = [np.concatenate([a[:, None], b], axis=1) for a, b in zip(first, rest, strict=True)]
    return joined[0], joined[1]


def features(spectrum: Complex, spec: StftSpec) -> NDArray[np.int8]:
    """Return the model's input for spectra: the logarithm of the energy in each band.

    Parameters
    ----------
    spectrum : int64 (n, H) twice

    Returns
    -------
    int8 (n, bands)
        `real = (value - spec.zero_point) * spec.scale`, in natural-log units.
    """
    constants = tables(spec)
    power = squared(spectrum[0][:, 1:], spectrum[1][:, 1:])
    logarithms = log_energies(mel_energies(power, constants), constants)
    return requantize(logarithms, constants.multiplier, constants.bias, constants.requantize_shift)


def bin_gains(gains: NDArray[np.integer], spec: StftSpec) -> Int:
    """Return the gain of each bin, interpolated between the bands that it lies in.

    Parameters
    ----------
    gains : integers (n, bands)
        Q15, from 0 to 32767.

    Returns
    -------
    int64 (n, H + 1)
        Bins below the first band and above the last one have their gain.
    """
    constants = tables(spec)
    wide = gains.astype(np.int64)
    below = np.concatenate([wide[:, :1], wide], axis=1)  # the band that falls, of each interval
    above = np.concatenate([wide, wide[:, -1:]], axis=1)
    interval = np.repeat(np.arange(spec.bands + 1), constants.band_bins)
    step = (above - below)[:, interval] * constants.weights >> WEIGHT_BITS
    last = spec.bins + 1 - constants.first_bin - len(constants.weights)
    return np.concatenate(
        [
            np.repeat(wide[:, :1], constants.first_bin, axis=1),
            below[:, interval] + step,
            np.repeat(wide[:, -1:], last, axis=1),
        ],
        axis=1,
    )


def apply(spectrum: Complex, gains: Int) -> Complex:
    """Return half of the spectra times the gains of their bins (n, H + 1)."""
    re, im = (mul_q15(part, gains[:, :-1]) for part in spectrum)
    im[:, 0] = mul_q15(spectrum[1][:, 0], gains[:, -1])
    return re, im


def synthesize(spectrum: Complex, spec: StftSpec) -> NDArray[np.int16]:
    """Return the signal of successive spectra that `apply` halved.

    Parameters
    ----------
    spectrum : int64 (n, H) twice

    Returns
    -------
    int16 (n * hop_samples,)
        The sum of the overlapping frames, rounded and saturated; it begins with the silence before
        the signal, `window_samples - hop_samples` long.
    """
    parts = _windowed_frames(spectrum, spec)
    hops = parts.reshape(len(parts), spec.overlap, spec.hop_samples)
    total = np.zeros((len(parts), spec.hop_samples), np.int64)
    for late in range(spec.overlap):
        total[late:] += hops[: len(hops) - late, late]
    bits = sample_shift(spec)
    rounded = (total + (1 << (bits - 1))) >> bits
    return np.clip(rounded, -32768, 32767).astype(np.int16).reshape(-1)


def _windowed_frames(spectrum: Complex, spec: StftSpec) -> Int:
    """Return the inverse transforms times the window: int64 (n, window_samples)."""
    constants = tables(spec)
    re, im = transform(_joined(spectrum, constants), constants)
    values = np.stack([re, -im], axis=-1).reshape(len(re), -1)
    window = np.concatenate([constants.window, constants.window[::-1]])
    shift = synthesis_shift(constants)
    return (mul_q15(values, window) + (1 << (shift - 1))) >> shift


def sample_shift(spec: StftSpec) -> int:
    """Return the shift from the sums of overlapping frames to a sample.

    The squares of the sine window, over all frames that a sample is in, add up to half their
    number.
    """
    return OVERLAP_BITS + (spec.overlap // 2).bit_length() - 1


def synthesis_shift(constants: Tables) -> int:
    """Return the shift from a windowed sample to the sums of overlapping frames."""
    return 28 - constants.scaled_stages - 15 - OVERLAP_BITS


def _joined(spectrum: Complex, constants: Tables) -> Complex:
    """Return the conjugate of the complex spectrum that `split` would split into this one.

    With X the spectrum: E[k] = (X[k] + X*[H-k]) / 2, O[k] = w^-k (X[k] - X*[H-k]) / 2, and
    Z[k] = E[k] + i O[k], Z[H-k] = E*[k] + i O*[k], w = exp(-2 pi i / N).
    """
    re, im = spectrum
    half = re.shape[1]
    low, high = np.arange(1, half // 2 + 1), half - np.arange(1, half // 2 + 1)
    even_r, even_i = (re[:, low] + re[:, high]) >> 1, (im[:, low] - im[:, high]) >> 1
    odd = re[:, low] - re[:, high], im[:, low] + im[:, high]
    odd_r, odd_i = times_conjugate(odd, constants.twiddle[1:])
    out_r, out_i = np.empty_like(re), np.empty_like(im)
    out_r[:, 0], out_i[:, 0] = (re[:, 0] + im[:, 0]) >> 1, -((re[:, 0] - im[:, 0]) >> 1)
    out_r[:, high], out_i[:, high] = even_r + odd_i, even_i - odd_r
    out_r[:, low], out_i[:, low] = even_r - odd_i, -(even_i + odd_r)
    return out_r, out_i
