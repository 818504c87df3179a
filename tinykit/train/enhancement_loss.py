"""Losses of an enhancer: how far gains of bands leave the noisy spectrum from the clean speech.

Differentiable to the gains, which reach the bins and the samples as they do on the device.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import float_stft
from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Enhance
from tinykit.train.backend import keras

ops = keras.ops

COMPRESSION = 0.3
"""Power to which magnitudes are taken: about as loudness follows them (arXiv 2009.13931)."""

_SMALL = 1e-7


def targets(
    noisy: NDArray[np.complex64], clean: NDArray[np.complex64], spec: StftSpec
) -> NDArray[np.float32]:
    """Return what the losses compare with, one array as Keras wants it.

    Parameters
    ----------
    noisy, clean : complex64 (N, frames, bins + 1)
        Spectra of the mixture and of the speech in it.

    Returns
    -------
    float32 (N, frames, 4 (bins + 1))
        Real and imaginary parts of both, side by side.
    """
    parts = [noisy.real, noisy.imag, clean.real, clean.imag]
    return np.concatenate(parts, axis=-1).astype(np.float32)


class EnhancementLoss(keras.losses.Loss):
    """The weighted sum of the losses that `[enhance]` asks for.

    - `si_sdr`: minus the scale-invariant signal-to-distortion ratio of the signals (Le Roux et al.,
      arXiv 1811.02508), in tenths of a dB: 10 dB are 1;
    - `compressed`: mean square difference of magnitudes to the power of 0.3, and of the spectra
      compressed likewise (Braun and Tashev, arXiv 2009.12286); over-suppression, a magnitude below
      that of the speech, counts `asymmetry` times (the square of alpha of Wang et al., arXiv
      2009.04323, who put it inside the square);
    - `mask`: mean square difference between the gains and the ideal ratio of magnitudes, at most 1.
    """

    def __init__(self, spec: StftSpec, config: Enhance) -> None:
        super().__init__(name="enhancement")
        self.spec, self.weights = spec, config
        self.to_bins = ops.convert_to_tensor(float_stft.gain_matrix(spec))
        self.to_bands = _means(float_stft.energy_matrix(spec))
        self.window = ops.convert_to_tensor(float_stft.window(spec))

    def call(self, wanted: Any, gains: Any) -> Any:
        """Return the loss of each mixture, (N,): `wanted` from `targets`, `gains` of bands."""
        noisy_r, noisy_i, clean_r, clean_i = ops.split(wanted, 4, axis=-1)
        bins = ops.matmul(gains, self.to_bins)
        given = (bins * noisy_r, bins * noisy_i)
        clean = (clean_r, clean_i)
        total = 0.0
        if self.weights.si_sdr:
            ratio = si_sdr_db(
                signal(given, self.window, self.spec), signal(clean, self.window, self.spec)
            )
            total = total - self.weights.si_sdr * ratio / 10.0
        if self.weights.compressed:
            error = compressed(given, clean, self.weights.asymmetry)
            total = total + self.weights.compressed * error
        if self.weights.mask:
            power = noisy_r**2 + noisy_i**2 + _SMALL
            ideal = ops.minimum(ops.sqrt((clean_r**2 + clean_i**2) / power), 1.0)
            error = (gains - ops.matmul(ideal, self.to_bands)) ** 2
            total = total + self.weights.mask * ops.mean(error, axis=(1, 2))
        return total


def signal(spectrum: tuple[Any, Any], window: Any, spec: StftSpec) -> Any:
    """Return the samples of successive spectra, (N, frames * hop), as `stft.synthesize` does."""
    frames = ops.irfft(spectrum, fft_length=spec.window_samples) * window
    count, hop = spec.overlap, spec.hop_samples
    parts = ops.reshape(frames, (*ops.shape(frames)[:2], count, hop))
    length = ops.shape(parts)[1]
    late = ops.pad(parts, [[0, 0], [count - 1, 0], [0, 0], [0, 0]])
    total = sum(late[:, count - 1 - n : count - 1 - n + length, n] for n in range(count))
    return ops.reshape(total * (2.0 / count), (-1, length * hop))


def si_sdr_db(given: Any, wanted: Any) -> Any:
    """Return the ratio of each row, (N, samples) -> (N,), in dB."""
    factor = ops.sum(given * wanted, -1) / (ops.sum(wanted**2, -1) + _SMALL)
    target = factor[:, None] * wanted
    rest = ops.sum((given - target) ** 2, -1)
    ratio = (ops.sum(target**2, -1) + _SMALL) / (rest + _SMALL)
    return 10.0 / np.log(10.0) * ops.log(ratio)


def compressed(given: tuple[Any, Any], clean: tuple[Any, Any], asymmetry: float = 1.0) -> Any:
    """Return the mean square difference of compressed spectra and their magnitudes, (N,).

    Where a magnitude is too small, its square counts `asymmetry` times.

    Both are first brought to the same level, on which a power of 0.3 would depend.
    """
    level = ops.sqrt(ops.mean(clean[0] ** 2 + clean[1] ** 2, axis=(1, 2), keepdims=True) + _SMALL)
    sizes, parts = [], []
    for real, imaginary in (given, clean):
        real, imaginary = real / level, imaginary / level
        power = real**2 + imaginary**2 + 1e-6
        size = power ** (COMPRESSION / 2)
        sizes.append(size)
        turn = size / ops.sqrt(power)
        parts.append((real * turn, imaginary * turn))
    loud = (sizes[0] - sizes[1]) ** 2
    if asymmetry != 1.0:
        loud = loud * ops.where(sizes[0] < sizes[1], asymmetry, 1.0)
    turned = sum((a - b) ** 2 for a, b in zip(*parts, strict=True))
    return ops.mean(0.7 * loud + 0.3 * turned, axis=(1, 2))


def _means(energies: NDArray[np.float32]) -> Any:
    """Return the matrix that averages bins over each band; an empty band has the bin beside it."""
    total = energies.sum(axis=0)
    matrix = energies / np.where(total > 0, total, 1.0)
    centres = np.linspace(0, len(energies) - 1, energies.shape[1]).astype(int)
    for band in np.flatnonzero(total == 0):
        known = np.flatnonzero(energies[:, min(band + 1, energies.shape[1] - 1)])
        matrix[known[0] if len(known) else centres[band], band] = 1.0
    return ops.convert_to_tensor(matrix.astype(np.float32))
