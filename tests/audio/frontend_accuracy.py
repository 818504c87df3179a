"""How far the integer front end is from float64 on recorded speech: the table of the docs.

Run as `python tests/audio/frontend_accuracy.py`: every 15th clip of `../shared/data/keywords`.
"""

from __future__ import annotations

from pathlib import Path

import frontend_float
import numpy as np
import soundfile

from tinykit.audio import frontend
from tinykit.audio.spec import FeatureSpec

KEYWORDS = Path(__file__).resolve().parents[3] / "shared" / "data" / "keywords"
SPECS = {
    "mfcc 10 of 40, 30/20 ms": FeatureSpec(),
    "log_mel 40, 30/20 ms": FeatureSpec(kind="log_mel"),
    "log_mel 64, 64/32 ms": FeatureSpec(kind="log_mel", mel_bins=64, window_ms=64, hop_ms=32),
    "mfcc 13 of 40, 25/10 ms": FeatureSpec(coefficients=13, window_ms=25, hop_ms=10),
}


def clips(count: int) -> np.ndarray:
    """Return int16 (n, count): one-second recordings, zero padded."""
    paths = sorted(KEYWORDS.glob("[!_]*/*.flac"))[::15]
    result = np.zeros((len(paths), count), np.int16)
    for clip, path in zip(result, paths, strict=True):
        samples, _ = soundfile.read(path, dtype="int16")
        clip[: len(samples)] = samples[:count]
    return result


def main() -> None:
    """Print one block per specification."""
    audio = clips(16000)
    print(f"{len(audio)} clips")
    for name, spec in SPECS.items():
        exact = frontend_float.log_mel(audio, spec)
        error = frontend_float.integer_log_mel(audio, spec) - exact
        size = np.abs(error)
        snr = 10 * np.log10(exact.var() / (error**2).mean())
        print(f"{name}: log-mel, natural units: mean |error| {size.mean():.1e}", end="")
        print(f", 99.99 % {np.quantile(size, 0.9999):.1e}, max {size.max():.1e}, SNR {snr:.1f} dB")
        steps = frontend_float.features(audio, spec) / spec.scale + spec.zero_point
        got = frontend.features(audio, spec)
        off = np.abs(got - np.clip(np.round(steps), -128, 127))
        saturated = ((steps > 127.5) | (steps < -128.5)).mean()
        print(f"  int8: {np.mean(off > 0):.2%} of values are not the nearest", end="")
        print(
            f" (by {off.max():.0f} at most), {saturated:.3%} saturate, standard deviation", end=""
        )
        print(f" {got.std(axis=(0, 1)).min():.0f} to {got.std(axis=(0, 1)).max():.0f} steps")


if __name__ == "__main__":
    main()
