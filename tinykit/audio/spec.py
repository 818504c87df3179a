"""What the front end computes: written once, used by training, by the numpy twin and by the C.

The specification travels inside the `.tflite` (metadata entry `tinykit.features`), so the model and
the firmware cannot disagree about it. `docs/front-end.md` tells how the values are computed.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from tinykit.audio import frontend_mel, micro_tables
from tinykit.audio.micro_spec import Micro
from tinykit.errors import ConfigError

METADATA_KEY = "tinykit.features"
"""Name of the metadata buffer (JSON, UTF-8) in the .tflite that holds the `FeatureSpec`."""

SPECTRUM_KEY = "tinykit.spectrum"
"""Name of the metadata buffer of an enhancer: a `stft_spec.StftSpec`, in JSON."""

LABELS_KEY = "tinykit.labels"
"""Name of the metadata buffer in the .tflite that holds the classes (JSON list of strings)."""

DEFAULT_QUANTIZATION = {
    "mfcc": (0.75, 0),
    "log_mel": (0.09375, 20),
    "micro": (666 / 256 * micro_tables.UNIT, -128),
}
"""(scale, zero point) per kind. `mfcc`, `log_mel`: int8 spans -96..95 and -13.9..10.0, from digital
silence (-87.7 and -13.9) to the loudest speech; `docs/front-end.md` gives the statistics. `micro`:
0 to 25.9, ESPHome's `(v * 256 + 333) / 666 - 128` of the 16-bit value v."""

_BAND = {"mfcc": (20, 20, 7600), "log_mel": (20, 20, 7600), "micro": (10, 125, 7500)}
"""(hop_ms, low_hz, high_hz) per kind, where the specification leaves them out."""

FLOOR_LOG2 = -20
"""log2 of the energy added to each mel filter, where a full-scale sample is 1.0: what is left of
digital silence, a little above the quantization noise of 16-bit audio."""


class FeatureSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of the integer front end: log-mel, MFCC, or TensorFlow Lite Micro's (`micro`).

    A clip gives `frames` rows of `width` int8 values: `real = (int8 - zero_point) * scale`. The
    real values are in natural-log units (`mfcc`: orthonormal DCT-II, then liftered; `micro`: 2.5
    ln of a signal-to-noise ratio). The model's input tensor has exactly this scale and zero point,
    so features enter it as they are.

    A specification that cannot be computed is never made: the constructor calls `check`.

    Parameters
    ----------
    kind : str
        `mfcc`, `log_mel` or `micro`.
    sample_rate_hz, clip_ms, window_ms, hop_ms : int
        The audio, and how it is cut. Each time must be a whole number of samples, the window a
        multiple of 4. `hop_ms = 0` (the default): 20, `micro` 10.
    mel_bins : int
        Triangular filters, equally spaced in mel between `low_hz` and `high_hz`. `low_hz = -1`
        and `high_hz = 0` (the defaults): 20 to 7600, `micro` 125 to 7500.
    coefficients : int
        Cepstral coefficients kept, the 0th included. `mfcc` only.
    lifter : int
        Coefficient k is multiplied by `1 + lifter / 2 * sin(pi k / lifter)` (HTK's CEPLIFTER),
        which gives all coefficients about the same spread, so that one int8 scale suits them all;
        0: no lifter. `mfcc` only.
    scale, zero_point
        The quantization. `scale = 0` (the default) takes both from `DEFAULT_QUANTIZATION`.
    micro : Micro
        Noise reduction, gain control and logarithm. `micro` only.
    """

    kind: Literal["mfcc", "log_mel", "micro"] = "mfcc"
    sample_rate_hz: int = 16000
    clip_ms: int = 1000
    window_ms: int = 30
    hop_ms: int = 0
    mel_bins: int = 40
    low_hz: int = -1
    high_hz: int = 0
    coefficients: int = 10
    lifter: int = 22
    scale: float = 0.0
    zero_point: int = 0
    micro: Micro = Micro()

    def __post_init__(self) -> None:
        if self.kind not in DEFAULT_QUANTIZATION:
            _fail(f"kind is {self.kind!r}", 'kind = "mfcc", "log_mel" or "micro"')
        hop_ms, low_hz, high_hz = _BAND[self.kind]
        for name, left_out, own in (
            ("hop_ms", 0, hop_ms),
            ("low_hz", -1, low_hz),
            ("high_hz", 0, high_hz),
        ):
            if getattr(self, name) == left_out:
                msgspec.structs.force_setattr(self, name, own)
        self.check()
        if self.scale == 0.0:
            scale, zero_point = DEFAULT_QUANTIZATION[self.kind]
            msgspec.structs.force_setattr(self, "scale", scale)
            msgspec.structs.force_setattr(self, "zero_point", zero_point)

    @property
    def clip_samples(self) -> int:
        """Samples in one clip."""
        return self.sample_rate_hz * self.clip_ms // 1000

    @property
    def window_samples(self) -> int:
        """Samples in one analysis window."""
        return self.sample_rate_hz * self.window_ms // 1000

    @property
    def hop_samples(self) -> int:
        """Samples from one window to the next."""
        return self.sample_rate_hz * self.hop_ms // 1000

    @property
    def fft_size(self) -> int:
        """The power of two that holds the window (zero padded)."""
        return 1 << (self.window_samples - 1).bit_length()

    @property
    def frames(self) -> int:
        """Rows of one clip: only windows that lie wholly inside it."""
        return 1 + (self.clip_samples - self.window_samples) // self.hop_samples

    @property
    def width(self) -> int:
        """Values in one row."""
        return self.coefficients if self.kind == "mfcc" else self.mel_bins

    def mel_bands(self) -> frontend_mel.Bands:
        """Return the spectral bins and weights of the mel filters of `mfcc` and `log_mel`."""
        return frontend_mel.bands(
            self.sample_rate_hz, self.fft_size, self.mel_bins, self.low_hz, self.high_hz
        )

    def check(self) -> None:
        """Raise ConfigError unless the features can be computed as specified."""
        self._check_framing()
        self._check_filters()
        if self.kind == "mfcc":
            self._check_cepstrum()
        if self.kind == "micro":
            self._check_micro()
        self._check_quantization()

    def _check_framing(self) -> None:
        _within("sample_rate_hz", self.sample_rate_hz, 4000, 48000)
        _within("clip_ms", self.clip_ms, 1, 60000)
        _within("window_ms", self.window_ms, 1, self.clip_ms)
        _within("hop_ms", self.hop_ms, 1, self.window_ms)
        for name in ("clip_ms", "window_ms", "hop_ms"):
            if self.sample_rate_hz * getattr(self, name) % 1000:
                _fail(
                    f"{name} = {getattr(self, name)} is not a whole number of samples "
                    f"at {self.sample_rate_hz} Hz",
                    "sample_rate_hz = 16000, or another multiple of 4000",
                )
        if self.window_samples % 4 or not 36 <= self.window_samples <= 2048:
            _fail(
                f"a window of {self.window_ms} ms at {self.sample_rate_hz} Hz has "
                f"{self.window_samples} samples; it must be a multiple of 4 from 36 to 2048",
                "window_ms = 30 at sample_rate_hz = 16000",
            )

    def _check_filters(self) -> None:
        _within("mel_bins", self.mel_bins, 1, 128)
        _within("high_hz", self.high_hz, 1, self.sample_rate_hz // 2)
        _within("low_hz", self.low_hz, 0, self.high_hz - 1)
        bands = micro_tables.bands if self.kind == "micro" else frontend_mel.bands
        limits = self.mel_bins, self.low_hz, self.high_hz
        empty = frontend_mel.empty_filters(bands(self.sample_rate_hz, self.fft_size, *limits))
        if empty:
            _fail(
                f"mel filter {empty[0]} of {self.mel_bins} holds no bin of the "
                f"{self.fft_size}-point FFT ({self.sample_rate_hz / self.fft_size:.1f} Hz apart)",
                "fewer mel_bins, a wider low_hz to high_hz, or a longer window_ms",
            )

    def _check_cepstrum(self) -> None:
        _within("coefficients", self.coefficients, 1, self.mel_bins)
        if self.lifter:
            # Beyond k = lifter the sine turns negative.
            _within("lifter", self.lifter, max(2, self.coefficients), 1000)

    def _check_micro(self) -> None:
        self.micro.check()
        bends = micro_tables.gain(self.micro, self.fft_size)[2:]
        steepest = max(abs(bends[1::4]).max(), abs(bends[2::4]).max())
        if steepest >= 1 << 14:
            _fail(
                f"micro: the gain changes by {steepest} within a power of two; the limit is 16383",
                "a larger pcan_offset, or fewer gain_bits",
            )

    def _check_quantization(self) -> None:
        if self.scale == 0.0:
            if self.zero_point:
                _fail(f"zero_point = {self.zero_point} without a scale", "give both, or neither")
        elif not (math.isfinite(self.scale) and 1e-3 <= self.scale <= 10.0):
            _fail(
                f"scale = {self.scale:g} is not within 0.001 to 10", "leave it out for the default"
            )
        _within("zero_point", self.zero_point, -128, 127)


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        _fail(
            f"{name} = {value} is not within {low} to {high}",
            f"{name} = {max(low, min(value, high))}",
        )


def _fail(message: str, hint: str) -> None:
    raise ConfigError(f"features: {message}", f"try {hint}" if "=" in hint else hint)
