"""What an enhancer does around its model: cuts audio into frames, and puts it together again.

The specification travels inside the `.tflite` (metadata entry `spec.SPECTRUM_KEY`), as the front
end's does.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tinykit.audio import frontend_mel
from tinykit.errors import ConfigError


class StftSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A short-time Fourier transform with bands for a model, and its inverse.

    Frames of `window_samples`, a sine window before and after, FFT of the same size: what comes out
    of the synthesis, with no gain between, is the input `window_samples - hop_samples` later
    (Princen and Bradley, 1986).

    A specification that cannot be computed is never made: the constructor calls `check`.

    Parameters
    ----------
    sample_rate_hz : int
        Of input and output.
    window_samples : int
        A power of two from 64 to 2048.
    hop_samples : int
        A half, a quarter or an eighth of the window.
    bands : int
        Triangular filters between `low_hz` and `high_hz`: the model's input is the logarithm of the
        energy in each, its output a gain for each. A bin's gain is interpolated between the two
        filters that it lies in. Low filters may lie between two bins and hold none.
    pitch : str
        The axis on which the filters are equally spaced: `mel` or `erb`.
    scale, zero_point
        Quantization of the logarithms (natural, -13.9 for digital silence): int8.
    """

    sample_rate_hz: int = 16000
    window_samples: int = 512
    hop_samples: int = 256
    bands: int = 64
    pitch: Literal["mel", "erb"] = "mel"
    low_hz: int = 0
    high_hz: int = 8000
    scale: float = 0.09375
    zero_point: int = 20

    def __post_init__(self) -> None:
        self.check()

    @property
    def bins(self) -> int:
        """Frequencies of the spectrum but the last, Nyquist's: half the window."""
        return self.window_samples // 2

    @property
    def overlap(self) -> int:
        """Frames in which a sample is."""
        return self.window_samples // self.hop_samples

    @property
    def delay_samples(self) -> int:
        """Algorithmic delay: a sample leaves so many samples after it came in.

        A hop must be complete before it is transformed, and waits for the last frame that it is in.
        """
        return self.window_samples

    def filters(self) -> frontend_mel.Bands:
        """Return the spectral bins and weights of the filters."""
        return frontend_mel.bands(
            self.sample_rate_hz,
            self.window_samples,
            self.bands,
            self.low_hz,
            self.high_hz,
            frontend_mel.PITCHES[self.pitch],
        )

    def check(self) -> None:
        """Raise ConfigError unless the transform can be computed as specified."""
        window, hop = self.window_samples, self.hop_samples
        if window & (window - 1) or not 64 <= window <= 2048:
            raise ConfigError(
                f"stft: window_samples = {window} is not a power of two from 64 to 2048",
                "window_samples = 512",
            )
        if hop not in (window // 2, window // 4, window // 8):
            raise ConfigError(
                f"stft: hop_samples = {hop} is not a half, a quarter or an eighth of {window}",
                f"hop_samples = {window // 2}",
            )
        if self.pitch not in frontend_mel.PITCHES:
            raise ConfigError(f"stft: pitch is {self.pitch!r}", 'pitch = "mel" or "erb"')
        for name, value, low, high in (
            ("sample_rate_hz", self.sample_rate_hz, 4000, 48000),
            ("bands", self.bands, 2, 256),
            ("high_hz", self.high_hz, 1, self.sample_rate_hz // 2),
            ("low_hz", self.low_hz, 0, self.high_hz - 1),
            ("scale", self.scale, 1e-3, 10.0),
            ("zero_point", self.zero_point, -128, 127),
        ):
            if not low <= value <= high:
                raise ConfigError(f"stft: {name} = {value} is not between {low} and {high}")
