"""What the front end computes: written once, used by training, by the numpy twin and by the C.

The specification travels inside the `.tflite` (metadata entry `tinykit.features`), so the model and
the firmware cannot disagree about it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

METADATA_KEY = "tinykit.features"
"""Name of the metadata buffer (JSON, UTF-8) in the .tflite that holds the `FeatureSpec`."""

LABELS_KEY = "tinykit.labels"
"""Name of the metadata buffer in the .tflite that holds the classes (JSON list of strings)."""


class FeatureSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of the integer log-mel / MFCC front end.

    A clip gives `frames` rows of `width` int8 values; `real = int8 * scale`, zero point 0 (the real
    values are in natural-log units, DCT-II orthonormal for `mfcc`). The model's input tensor has
    exactly this scale and zero point, so features enter it as they are.
    """

    kind: Literal["mfcc", "log_mel"] = "mfcc"
    sample_rate_hz: int = 16000
    clip_ms: int = 1000
    window_ms: int = 30
    hop_ms: int = 20
    mel_bins: int = 40
    low_hz: int = 20
    high_hz: int = 7600
    coefficients: int = 10
    scale: float = 0.25

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
