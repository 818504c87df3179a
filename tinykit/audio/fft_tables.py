"""The integer tables of a windowed real FFT, in the conjugate-pair form of `frontend_fft`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinykit.audio.fixed_point import Int


@dataclass(frozen=True, eq=False)
class FftTables:
    """The constants of one size and window; H is half the FFT size, the length of the complex FFT.

    Attributes
    ----------
    window : int64 (window_samples / 2,)
        First half of a symmetric window, Q15.
    shift : int
        Windowed samples (Q30) are shifted right by it before the FFT.
    radix : int
        Of the FFT's first stage: 4 or 2. The others are radix 4.
    order : int64 (H / radix,)
        Index of the first input of each butterfly of the first stage; the others follow at steps of
        H / radix, modulo H.
    twiddle : int64 (H / 2 + 1, 2)
        cos and -sin of 2 pi k / fft_size for a quarter of the circle, Q15. 1 is clipped to 32767
        (nothing is multiplied by it), -1 is exact.
    """

    window: Int
    shift: int
    radix: int
    order: Int
    twiddle: Int

    @property
    def half(self) -> int:
        """H, the length of the complex FFT."""
        return len(self.order) * self.radix

    @property
    def scaled_stages(self) -> int:
        """Stages with factors: each halves."""
        return (self.half // self.radix).bit_length() // 2


def fft_tables(size: int, window: Int) -> FftTables:
    """Return the tables of a real FFT of `size`, a power of two from 64 to 2048.

    The first stage adds `radix` values, each later one four and halves: the shift leaves room for
    both, so that a spectrum of 1.0 (full-scale samples) is 2**30 / H, whatever the size.
    """
    half = size // 2
    radix = 4 if half.bit_length() % 2 else 2
    scaled_stages = (half // radix).bit_length() // 2
    shift = half.bit_length() - 1 - scaled_stages
    return FftTables(window, shift, radix, _order(half, radix), _twiddle(size))


def power_of_sine(length: int, exponent: int) -> Int:
    """Return the first half of the window `sin(pi (n + 1/2) / length)**exponent`, times 32767.

    Exponent 2 is Hann's window, 1 its root, the sine window.
    """
    phases = [math.pi * (n + 0.5) / length for n in range(length // 2)]
    return np.array([round(32767 * math.sin(phase) ** exponent) for phase in phases])


def _twiddle(size: int) -> Int:
    angles = [2.0 * math.pi * k / size for k in range(size // 4 + 1)]
    return np.array(
        [(min(round(32768 * math.cos(a)), 32767), -round(32768 * math.sin(a))) for a in angles]
    )


def _order(half: int, radix: int) -> Int:
    """Return the input order of the conjugate-pair FFT: `frontend_fft` has the recursion."""
    offsets, step = [0], 1
    while half // step > radix:
        offsets = [offset + digit * step for offset in offsets for digit in (0, 1, 2, -1)]
        step *= 4
    return np.array(offsets) % half
