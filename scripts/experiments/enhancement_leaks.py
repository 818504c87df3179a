"""Whether noise that enhancers are measured on is in a recording that they were trained on.

    python scripts/experiments/enhancement_leaks.py

Pieces of every held-out recording, and of the noise of VoiceBank-DEMAND's pairs, are looked for in
all training noise: by the normalized cross-correlation at every place, which is 1 where the very
samples come again, at whatever level. Noise with a pitch finds itself at 0.9 in any other. Names
do not tell: MS-SNSD mixed its recordings from fewer ones. Takes some minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from enhancement import HEARD, MIXTURES, RATE_HZ, pairs  # noqa: E402

from tinykit.audio import enhancement_sources  # noqa: E402

PIECE, STEP = RATE_HZ // 2, RATE_HZ
SAME = 0.97
QUIET = 1e-3  # of a recording's mean energy: what is below has no shape to compare

Signal = NDArray[np.float32]


def main() -> int:
    """Print where training comes nearest to each recording; 1 when one that is used is the same."""
    found = enhancement_sources.load(MIXTURES, RATE_HZ, Path())
    trained = {name: _real(samples) for name, samples in found.noise["training"].items()}
    heard = []
    for name, samples in (*_held_out(found), *_pairs()):
        value, where = max(
            (_nearest(pieces(samples), sound), other) for other, sound in trained.items()
        )
        if value > SAME:
            heard.append(name)
        print(f"{value:.2f} {'HEARD' if value > SAME else '     '} {name}: {where}", flush=True)
    used = [name for name in heard if name not in HEARD]
    print(f"{len(heard)} of them are in a training recording, {len(used)} of these are used")
    return 1 if used else 0


def pieces(samples: Signal) -> list[Signal]:
    """Return pieces of unit energy out of a recording, those that are not silent."""
    starts = range(0, max(1, len(samples) - PIECE + 1), STEP)
    cut = [samples[start : start + PIECE] for start in starts]
    return [one / np.linalg.norm(one) for one in cut if one.any()]


def _nearest(wanted: list[Signal], sound: Signal) -> float:
    """Return the largest correlation of any piece with any place of a recording."""
    sound = np.pad(sound, (0, max(0, PIECE - len(sound))))
    size = next_fast_len(len(sound) + PIECE)
    spectrum = rfft(sound, size)
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    least = QUIET * PIECE * energy[-1] / len(sound)
    there = np.sqrt(np.maximum(energy[PIECE:] - energy[:-PIECE], least))
    found = (irfft(spectrum * np.conj(rfft(one, size)), size)[: len(there)] for one in wanted)
    return max((float((np.abs(one) / there).max()) for one in found), default=0.0)


def _held_out(found: enhancement_sources.Sources) -> Iterator[tuple[str, Signal]]:
    for split in ("testing", "validation"):
        for name, samples in found.noise[split].items():
            yield name, _real(samples)


def _pairs() -> Iterator[tuple[str, Signal]]:
    for name, (noisy, clean) in pairs().items():
        yield name, _real(noisy) - _real(clean)


def _real(samples: NDArray[np.int16]) -> Signal:
    return samples.astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
