"""The TensorFlow Lite Micro audio front end in numpy: the twin of `tk_micro.h`.

Spectrum, filter bank and square root are the same for every row; then an estimate of the noise in
each filter follows the signal, is subtracted from it and divides it (per-channel amplitude
normalization, PCAN); last the logarithm. So a row depends on all rows since the reset.

The noise reduction is the spectral subtraction, and the gain control the one, of Wang et al.,
*Trainable Frontend for Robust and Far-Field Keyword Spotting* (arXiv 1607.05666); the arithmetic
is bit for bit that of the original, which the tests hold it to.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import micro_fft
from tinykit.audio.fixed_point import Int
from tinykit.audio.micro_tables import (
    LOG_SEGMENTS,
    REQUANTIZE_SHIFT,
    SMOOTHING_BITS,
    SNR_BITS,
    WEIGHT_BITS,
    WINDOW_BITS,
    MicroTables,
    tables,
)
from tinykit.audio.spec import FeatureSpec

_U32 = 0xFFFFFFFF
_OUTPUT_BITS = 6
_LN2_Q16 = 45426  # 2**16 ln 2


_BLOCK = 64  # frames at a time: the working arrays stay in a core's cache
_PIECE = 2048  # rows of which intermediate values are held


def rows(windows: NDArray[np.int16], spec: FeatureSpec) -> NDArray[np.int8]:
    """Return the rows of several streams, each from the reset on.

    Parameters
    ----------
    windows : int16 (streams, rows, window_samples)

    Returns
    -------
    int8 (streams, rows, mel_bins)
    """
    streams, count = windows.shape[:2]
    result = np.empty((streams, count, spec.mel_bins), np.int8)
    together = max(1, _PIECE // max(1, count))
    for first in range(0, streams, together):
        some = slice(first, first + together)
        noise = np.zeros((len(windows[some]), spec.mel_bins), np.int64)
        for start in range(0, count, _PIECE):
            piece = some, slice(start, start + _PIECE)
            signal = _signal(windows[piece], spec)
            result[piece] = quantize(levels(signal, follow(signal, noise, spec), spec), spec)
    return result


def _signal(windows: NDArray[np.int16], spec: FeatureSpec) -> Int:
    streams, count = windows.shape[:2]
    total = streams * count
    signal = np.empty((total, spec.mel_bins), np.int64)
    for start in range(0, total, _BLOCK):
        stream, row = np.divmod(np.arange(start, min(start + _BLOCK, total)), count)
        signal[start : start + _BLOCK] = amplitudes(windows[stream, row], spec)
    return signal.reshape(streams, count, spec.mel_bins)


def amplitudes(frames: NDArray[np.int16], spec: FeatureSpec) -> Int:
    """Return the amplitude in each filter: int16 (n, window_samples) -> int64 (n, mel_bins)."""
    constants = tables(spec)
    samples, shift = _windowed(frames, spec, constants)
    re, im = micro_fft.spectrum(samples, constants)
    return _root(_filtered(re * re + im * im, constants)) >> shift


def _windowed(
    frames: NDArray[np.int16], spec: FeatureSpec, constants: MicroTables
) -> tuple[Int, Int]:
    """Return windowed samples, shifted left as far as 16 bits allow, zero padded; and the shift.

    -32768 has no absolute value in 16 bits: it does not count for the shift, and wraps with it.
    """
    values = (frames * constants.window) >> WINDOW_BITS
    largest = np.where(values == -32768, 0, np.abs(values)).max(axis=1)
    shift = (15 - _bit_length(largest))[:, None]
    samples = np.zeros((len(frames), spec.fft_size), np.int64)
    samples[:, : values.shape[1]] = (values << shift).astype(np.int16)
    return samples, shift


def _bit_length(x: Int) -> Int:
    """Return the number of bits of 0 <= x < 2**53, exactly."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def _filtered(energies: Int, constants: MicroTables) -> Int:
    """Return the energy in each filter, Q12: (n, bins) -> (n, mel_bins)."""
    sums = []
    at = constants.bands.first - 1
    for weights in constants.bands.weights:
        band = energies[:, at : at + len(weights)]
        falling = band @ np.array(weights, np.int64)
        sums.append((falling, (band.sum(axis=1) << WEIGHT_BITS) - falling))
        at += len(weights)
    pairs = itertools.pairwise(sums)
    return np.stack([rising + falling for (_, rising), (falling, _) in pairs], 1)


def _root(x: Int) -> Int:
    """Return the square root of 0 <= x < 2**62, rounded; below 2**32 it never is 2**16."""
    root = np.sqrt(x.astype(np.float64)).astype(np.int64)
    root -= root * root > x
    root += (root + 1) * (root + 1) <= x
    up = (x - root * root > root) & ~((root == 0xFFFF) & (x >> 32 == 0))
    return root + up


def follow(signal: Int, noise: Int, spec: FeatureSpec) -> Int:
    """Return the noise estimates after each row, and leave the last in `noise`.

    Parameters
    ----------
    signal : int64 (streams, rows, mel_bins)
    noise : int64 (streams, mel_bins)

    Returns
    -------
    int64 (streams, rows, mel_bins)
    """
    smoothing = tables(spec).smoothing
    scaled = (signal << spec.micro.smoothing_bits) & _U32
    entering = scaled * smoothing
    estimates = np.empty_like(signal)
    kept = (1 << SMOOTHING_BITS) - smoothing
    for row in range(signal.shape[1]):
        noise[...] = (entering[:, row] + noise * kept) >> SMOOTHING_BITS
        estimates[:, row] = noise
    return estimates


def levels(signal: Int, noise: Int, spec: FeatureSpec) -> Int:
    """Return the front end's own 16-bit output: signals and noise estimates (..., mel_bins)."""
    constants = tables(spec)
    bits = spec.micro.smoothing_bits
    scaled = (signal << bits) & _U32
    subtracted = (scaled - np.minimum(noise, scaled)) >> bits
    clean = np.maximum(subtracted, (signal * constants.least) >> SMOOTHING_BITS)
    ratio = ((clean * _gain(noise, constants)) >> constants.snr_shift) & _U32
    return _logarithm(_shrunk(ratio) << constants.correction_bits & _U32, spec, constants)


def _gain(noise: Int, constants: MicroTables) -> Int:
    """Return the gain for a noise: a parabola between each two powers of two."""
    bits = _bit_length(noise)
    at = np.maximum(4 * bits - 6, 0)
    start, slope, curve = (constants.gain[np.minimum(at + i, 124)] for i in range(3))
    place = np.where(
        bits < 11, noise << np.maximum(11 - bits, 0), noise >> np.maximum(bits - 11, 0)
    )
    place &= 0x3FF
    rise = (((curve * place) >> 5) + (slope << 5)) * place
    gain = (start + ((rise + (1 << 14)) >> 15)).astype(np.int16).astype(np.int64)
    return np.where(noise <= 2, constants.gain[np.minimum(noise, 2)], gain)


def _shrunk(ratio: Int) -> Int:
    """Return a square where the ratio is below 2 and a line above, with 6 fraction bits."""
    square = (ratio * ratio) >> (2 + 2 * SNR_BITS - _OUTPUT_BITS)
    line = (ratio >> (SNR_BITS - _OUTPUT_BITS)) - (1 << _OUTPUT_BITS)
    return np.where(ratio < 2 << SNR_BITS, square, line)


def _logarithm(x: Int, spec: FeatureSpec, constants: MicroTables) -> Int:
    """Return `2**log_shift ln(x)` as 16-bit numbers; 0 for 0."""
    exponent = np.maximum(_bit_length(x), 1) - 1
    fraction = x - (1 << exponent)
    fraction = np.where(
        exponent < 16,
        fraction << np.maximum(16 - exponent, 0),
        fraction >> np.maximum(exponent - 16, 0),
    )
    segment = fraction >> 9
    low = constants.log[np.clip(segment, 0, LOG_SEGMENTS)]
    high = constants.log[np.clip(segment + 1, 0, LOG_SEGMENTS)]
    # The original shifts by 16 where linear interpolation would by 9: next to nothing is added.
    log2 = (exponent << 16) + fraction + low + (((high - low) * (fraction & 511)) >> 16)
    natural = (_LN2_Q16 * log2 + (1 << 15)) >> 16
    scaled = ((natural << spec.micro.log_shift) + (1 << 15)) >> 16
    return np.where(x > 1, np.minimum(scaled, 0xFFFF), 0)


def quantize(values: Int, spec: FeatureSpec) -> NDArray[np.int8]:
    """Return 16-bit outputs as the model takes them."""
    constants = tables(spec)
    scaled = (values * constants.multiplier + constants.bias) >> REQUANTIZE_SHIFT
    return np.clip(scaled, -128, 127).astype(np.int8)
