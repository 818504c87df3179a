"""What TensorFlow Lite Micro's front end gives for hard audio, from the package pymicro-features.

Run as a program, with that package installed, to write `micro_golden.npz` anew:
`python tests/audio/micro_golden.py`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from frontend_signals import signals

GOLDEN = Path(__file__).with_suffix(".npz")
SAMPLES = 4000  # of each signal: 23 rows
STEP = 0.0390625
"""The package gives floats: so much for each step of the 16-bit output."""


def audio() -> dict[str, np.ndarray]:
    """Return int16 signals by name."""
    chosen = signals(SAMPLES, seed=5)
    rng = np.random.default_rng(6)
    for level in (3, 100, 3000):
        chosen[f"noise_rms_{level}"] = (rng.standard_normal(SAMPLES) * level).astype(np.int16)
    return chosen


def reference(samples: np.ndarray) -> np.ndarray:
    """Return the package's 16-bit output: int16 (n,) -> uint16 (rows, 40)."""
    from pymicro_features import MicroFrontend

    front_end = MicroFrontend()
    data = samples.astype("<i2").tobytes()
    rows, at = [], 0
    while len(data) - at >= 320:
        result = front_end.process_samples(data[at : at + 320])
        at += 2 * result.samples_read
        if result.features:
            rows.append(result.features)
    return np.round(np.array(rows).reshape(-1, 40) / STEP).astype(np.uint16)


def main() -> None:
    """Write the golden vectors: `<name>_x` audio, `<name>_y` features."""
    arrays = {}
    for name, samples in audio().items():
        arrays |= {f"{name}_x": samples, f"{name}_y": reference(samples)}
    np.savez_compressed(GOLDEN, **arrays)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size:,} B")


if __name__ == "__main__":
    main()
