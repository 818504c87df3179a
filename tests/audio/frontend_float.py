"""The front end in float64, written from `docs/front-end.md`: what the integers approximate."""

from __future__ import annotations

import numpy as np

from tinykit.audio.spec import FeatureSpec

FLOOR = 2.0**-20


def log_mel(samples, spec: FeatureSpec):
    """int16 (..., n) -> float64 (..., rows, mel_bins), natural logarithms."""
    window = spec.window_samples
    frames = np.lib.stride_tricks.sliding_window_view(samples / 32768.0, window, axis=-1)
    frames = frames[..., :: spec.hop_samples, :]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(window) + 0.5) / window)
    power = np.abs(np.fft.rfft(frames * hann, spec.fft_size)) ** 2
    return np.log(power @ mel_weights(spec) + FLOOR)


def mel_weights(spec: FeatureSpec):
    """float64 (fft_size / 2 + 1, mel_bins): triangles on the mel axis, peak 1."""

    def mel(hz):
        return 2595 * np.log10(1 + hz / 700)

    edges = np.linspace(mel(spec.low_hz), mel(spec.high_hz), spec.mel_bins + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bins = mel(np.arange(spec.fft_size // 2 + 1) * spec.sample_rate_hz / spec.fft_size)[:, None]
    return np.maximum(0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))


def mfcc(samples, spec: FeatureSpec):
    """int16 (..., n) -> float64 (..., rows, coefficients): orthonormal DCT-II, liftered."""
    k, m = np.arange(spec.coefficients)[:, None], np.arange(spec.mel_bins)
    matrix = np.sqrt(2 / spec.mel_bins) * np.cos(np.pi * k * (m + 0.5) / spec.mel_bins)
    matrix[0] /= np.sqrt(2)
    if spec.lifter:
        matrix *= 1 + spec.lifter / 2 * np.sin(np.pi * k / spec.lifter)
    return log_mel(samples, spec) @ matrix.T


def features(samples, spec: FeatureSpec):
    """Real values, before quantization: float64 (..., rows, width)."""
    return (mfcc if spec.kind == "mfcc" else log_mel)(samples, spec)


def integer_log_mel(samples, spec: FeatureSpec):
    """Log-mel of the integer front end before the rounding to int8, in the units of `log_mel`."""
    from tinykit.audio import frontend
    from tinykit.audio.frontend_fft import power_spectrum
    from tinykit.audio.frontend_tables import tables

    constants = tables(spec)
    frames = np.lib.stride_tricks.sliding_window_view(samples, spec.window_samples, axis=-1)
    frames = frames[..., :: spec.hop_samples, :]
    flat = np.ascontiguousarray(frames).reshape(-1, spec.window_samples)
    power = power_spectrum(flat, constants)
    logs = frontend.log_energies(frontend.mel_energies(power, constants), constants)
    return (logs / 65536 - 20).reshape(*frames.shape[:-1], spec.mel_bins) * np.log(2)
