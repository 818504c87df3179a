"""Features in integer arithmetic: the numpy twin of the generated C.

`features` returns, for any audio, exactly the bytes that `tk_features_push` writes on the device.
`docs/front-end.md` describes the arithmetic and how accurate it is. The rows of `log_mel` and
`mfcc` are computed here, those of `micro` in `tinykit.audio.micro`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import micro
from tinykit.audio.fixed_point import Int, log2_q16, mul_q15, requantize
from tinykit.audio.frontend_fft import power_spectrum
from tinykit.audio.frontend_mel import WEIGHT_BITS
from tinykit.audio.frontend_tables import Tables, tables
from tinykit.audio.spec import FeatureSpec
from tinykit.errors import DataError

_BLOCK = 64  # frames at a time: the working arrays stay in a core's cache


def features(samples: NDArray[np.int16], spec: FeatureSpec) -> NDArray[np.int8]:
    """Return the features of whole clips.

    Parameters
    ----------
    samples : int16 (..., clip_samples)
        Audio at `spec.sample_rate_hz`.

    Returns
    -------
    int8 (..., frames, width)
        `real = (value - spec.zero_point) * spec.scale`.

    Raises
    ------
    DataError
        When `samples` is not int16 or its last axis is not one clip.
    """
    _check_samples(samples)
    if samples.shape[-1] != spec.clip_samples:
        raise DataError(
            f"front end: a clip of {spec.clip_ms} ms at {spec.sample_rate_hz} Hz has "
            f"{spec.clip_samples} samples, not {samples.shape[-1]}",
            "pad or cut the audio to one clip",
        )
    return stream(samples, spec)


def stream(samples: NDArray[np.int16], spec: FeatureSpec) -> NDArray[np.int8]:
    """Return the rows of audio of any length: int16 (..., n) -> int8 (..., rows, width).

    Rows are those of all windows wholly inside: none where n is less than a window. Each is the
    row of its window alone, but for `micro`, whose noise estimate follows the stream.
    """
    _check_samples(samples)
    lead, count = samples.shape[:-1], samples.shape[-1]
    rows = max(0, 1 + (count - spec.window_samples) // spec.hop_samples)
    clips = samples.reshape(int(np.prod(lead, dtype=np.int64)), count)
    result = np.empty((len(clips) * rows, spec.width), np.int8)
    if result.size:
        windows = np.lib.stride_tricks.sliding_window_view(clips, spec.window_samples, axis=1)
        windows = windows[:, :: spec.hop_samples]
        if spec.kind == "micro":
            return micro.rows(windows, spec).reshape(*lead, rows, spec.width)
        for start in range(0, len(result), _BLOCK):
            clip, row = np.divmod(np.arange(start, min(start + _BLOCK, len(result))), rows)
            result[start : start + _BLOCK] = _rows(windows[clip, row], spec, tables(spec))
    return result.reshape(*lead, rows, spec.width)


def _check_samples(samples: NDArray[Any]) -> None:
    if samples.dtype != np.int16 or samples.ndim == 0:
        raise DataError(
            f"front end: samples are {samples.dtype} {samples.shape}, not int16 (..., samples)"
        )


def _rows(frames: NDArray[np.int16], spec: FeatureSpec, constants: Tables) -> NDArray[np.int8]:
    """int16 (n, window_samples) -> int8 (n, width)."""
    logarithms = log_energies(mel_energies(power_spectrum(frames, constants), constants), constants)
    if spec.kind == "log_mel":
        return requantize(
            logarithms, constants.multiplier, constants.bias, constants.requantize_shift
        )
    biases = np.full(spec.coefficients, constants.bias)
    biases[0] = constants.bias_first
    return requantize(
        cepstrum(logarithms, constants),
        constants.multiplier,
        biases,
        constants.requantize_shift,
    )


def mel_energies(power: NDArray[np.uint64], constants: Tables) -> NDArray[np.uint64]:
    """Return the energy in each mel filter, in the units of `power`.

    Parameters
    ----------
    power : uint64 (n, H - 1)
        Bins 1 to H - 1; the sum over all is less than 2**60 (Parseval), so nothing overflows.

    Returns
    -------
    uint64 (n, mel_bins)
    """
    first = constants.first_bin - 1
    bins = power[:, first : first + len(constants.weights)].astype(np.int64)
    # A 64-bit power times a 16-bit weight, as two sums of 32 x 16 bits.
    high = _band_sums((bins >> 32) * constants.weights, constants)
    low = _band_sums((bins & 0xFFFFFFFF) * constants.weights, constants)
    rising = (high << (32 - WEIGHT_BITS)) + (low >> WEIGHT_BITS)
    falling = _band_sums(bins, constants) - rising
    return (rising[:, :-1] + falling[:, 1:]).astype(np.uint64)


def _band_sums(values: Int, constants: Tables) -> Int:
    """Sum the bins of each band: int64 (n, bins) -> (n, mel_bins + 1); a band may have none."""
    ends = np.cumsum(constants.band_bins)
    sums = np.zeros((len(values), values.shape[1] + 1), np.int64)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums[:, ends] - sums[:, ends - constants.band_bins]


def log_energies(energies: NDArray[np.uint64], constants: Tables) -> Int:
    """Return `log2(1 + energy / floor)` in units of 2**-16: 0 for silence, less than 41 * 2**16."""
    floor = np.uint64(1 << constants.floor_log2)
    return log2_q16(energies + floor) - (constants.floor_log2 << 16)


def cepstrum(logarithms: Int, constants: Tables) -> Int:
    """Return the liftered DCT-II of (n, mel_bins) logarithms, with `dct_bits` fraction bits.

    Row k of a DCT-II is symmetric for even k and antisymmetric for odd k: half the products do.
    """
    count = constants.dct.shape[1]
    first, last = logarithms[:, :count], logarithms[:, : -count - 1 : -1]
    even = first + last
    odd = first - last
    if logarithms.shape[1] % 2:
        even[:, -1] = first[:, -1]  # the middle one has no partner
    folded = [odd if k % 2 else even for k in range(len(constants.dct))]
    return np.stack(
        [mul_q15(x, row).sum(axis=1) for x, row in zip(folded, constants.dct, strict=True)], 1
    )
