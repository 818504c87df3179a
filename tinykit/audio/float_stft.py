"""The transforms of an enhancer in float: what training sees of `stft`, fast and without rounding.

Spectra are those of samples in [-1, 1) under the sine window, X[k], k = 0 ... N/2.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.frontend_mel import WEIGHT_BITS
from tinykit.audio.spec import FLOOR_LOG2
from tinykit.audio.stft_spec import StftSpec

Float = NDArray[np.float32]


def window(spec: StftSpec) -> Float:
    """Return sin(pi (n + 1/2) / N), float32 (window_samples,)."""
    count = spec.window_samples
    return np.sin(np.pi * (np.arange(count) + 0.5) / count).astype(np.float32)


def spectra(samples: Float, spec: StftSpec) -> NDArray[np.complex64]:
    """Return the spectrum of the frame that ends with each hop; before the signal is silence.

    Parameters
    ----------
    samples : float32 (..., n)
        In [-1, 1); n is a multiple of the hop.

    Returns
    -------
    complex64 (..., hops, window_samples / 2 + 1)
    """
    lead = [(0, 0)] * (samples.ndim - 1)
    padded = np.pad(samples, [*lead, (spec.window_samples - spec.hop_samples, 0)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, spec.window_samples, axis=-1)
    return np.fft.rfft(frames[..., :: spec.hop_samples, :] * window(spec)).astype(np.complex64)


def features(spectrum: NDArray[np.complex64], spec: StftSpec) -> Float:
    """Return the model's input in real units, rounded to the int8 values that the device gives.

    The logarithm of the energy in each band, (..., bands); equal to `stft.features` but for a
    step of the quantization now and then.
    """
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    logarithms = np.log(power @ energy_matrix(spec) + np.float32(2.0**FLOOR_LOG2))
    steps = np.rint(logarithms / np.float32(spec.scale)) + spec.zero_point
    return ((np.clip(steps, -128, 127) - spec.zero_point) * spec.scale).astype(np.float32)


@functools.lru_cache(maxsize=16)
def energy_matrix(spec: StftSpec) -> Float:
    """Return what makes energies of bands from the powers of bins: (bins + 1, bands)."""
    return np.ascontiguousarray(_weights(spec)[:, 1:-1])


@functools.lru_cache(maxsize=16)
def gain_matrix(spec: StftSpec) -> Float:
    """Return what makes gains of bins from those of bands: (bands, bins + 1), columns sum to 1."""
    weights = _weights(spec)
    inner = weights[:, 1:-1].copy()
    inner[:, 0] += weights[:, 0]  # beyond the outermost bands their gain holds
    inner[:, -1] += weights[:, -1]
    found = spec.filters()
    inner[: found.first, 0] = 1.0
    inner[found.first + sum(map(len, found.weights)) :, -1] = 1.0
    return np.ascontiguousarray(inner.T)


def _weights(spec: StftSpec) -> Float:
    """Return the weight of each bin in each triangle, (bins + 1, bands + 2), both ends included."""
    found = spec.filters()
    weights = np.zeros((spec.bins + 1, spec.bands + 2), np.float32)
    place = found.first
    for interval, rising in enumerate(found.weights):
        for weight in rising:
            share = weight / (1 << WEIGHT_BITS)
            weights[place, interval], weights[place, interval + 1] = 1.0 - share, share
            place += 1
    return weights
