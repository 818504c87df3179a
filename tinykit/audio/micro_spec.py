"""What only the front end of kind `micro` can have set; `docs/front-end.md` describes it."""

from __future__ import annotations

import msgspec

from tinykit.errors import ConfigError


class Micro(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Noise reduction, gain control and logarithm of the TensorFlow Lite Micro front end.

    The defaults are those that models of the microWakeWord and ESPHome family are trained with.

    Parameters
    ----------
    smoothing_bits : int
        Fraction bits of the noise estimate.
    even_smoothing, odd_smoothing : float
        How much of the new value enters the noise estimate of filters 0, 2, ... and 1, 3, ...
    min_signal : float
        At least this share of a value is left when the noise is subtracted.
    pcan_strength, pcan_offset : float
        Gain `(noise + offset) ** -strength` (per-channel amplitude normalization).
    gain_bits : int
        Fraction bits of that gain.
    log_shift : int
        The result is `2**log_shift * ln(value)`.
    """

    smoothing_bits: int = 10
    even_smoothing: float = 0.025
    odd_smoothing: float = 0.06
    min_signal: float = 0.05
    pcan_strength: float = 0.95
    pcan_offset: float = 80.0
    gain_bits: int = 21
    log_shift: int = 6

    def check(self) -> None:
        """Raise ConfigError unless the integers of the arithmetic can hold what follows."""
        _within("smoothing_bits", self.smoothing_bits, 4, 10)
        for name in ("even_smoothing", "odd_smoothing", "min_signal"):
            _within(name, getattr(self, name), 0.0, 1.0)
        _within("pcan_strength", self.pcan_strength, 0.0, 2.0)
        _within("pcan_offset", self.pcan_offset, 1.0, 32767.0)
        _within("gain_bits", self.gain_bits, 18, 28)
        _within("log_shift", self.log_shift, 1, 10)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # false for nan too
        raise ConfigError(
            f"features.micro: {name} = {value:g} is not within {low:g} to {high:g}",
            "leave it out: the default is what published models expect",
        )
