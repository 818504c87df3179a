"""How good speech sounds: signal-to-distortion ratio, intelligibility, perceived quality."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.errors import DataError, ToolError

STOI_HZ = 10000
"""Sample rate at which STOI is defined; `pystoi` resamples to it."""

PESQ_HZ = 16000
"""Sample rate of wide-band PESQ."""

Measure = Callable[[NDArray[Any], NDArray[Any], int], float]
"""Given and wanted samples and their rate, to a figure."""

_NEEDED = {"stoi": "pystoi", "pesq": "pesq"}


class Quality(msgspec.Struct, frozen=True):
    """Means over recordings; None for what was not computed."""

    si_sdr_db: float
    stoi: float | None = None
    pesq: float | None = None


def si_sdr_db(given: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Return the scale-invariant signal-to-distortion ratio of (samples,), in dB.

    ``10 log10(|a s|^2 / |a s - g|^2)``, ``a = <g, s> / |s|^2``, with g what is given and s what is
    wanted (Le Roux, Wisdom, Erdogan, Hershey: SDR - half-baked or well done?, ICASSP 2019,
    arXiv 1811.02508, equation 3). No mean is taken off.

    Raises
    ------
    DataError
        When the two differ in length, or the wanted signal is silence.
    """
    g, s = np.asarray(given, np.float64), np.asarray(wanted, np.float64)
    if g.shape != s.shape or g.ndim != 1:
        raise DataError(f"SI-SDR: signals of {g.shape} and {s.shape} samples do not compare")
    energy = float(s @ s)
    if not energy:
        raise DataError("SI-SDR: the wanted signal is silence", "choose recordings with speech")
    target = s * (float(g @ s) / energy)
    rest = g - target
    if not target.any():  # silence, too: nothing of the wanted signal is left
        return -math.inf
    with np.errstate(divide="ignore"):
        return float(10.0 * np.log10(np.divide(target @ target, rest @ rest)))


def stoi(given: NDArray[Any], wanted: NDArray[Any], rate_hz: int) -> float:
    """Return the short-time objective intelligibility, 0 to 1 (Taal et al., 2011), by `pystoi`.

    Raises
    ------
    ToolError
        When the package is not installed.
    """
    measure = _package("stoi")
    return float(measure.stoi(_real(wanted), _real(given), rate_hz, extended=False))


def pesq(given: NDArray[Any], wanted: NDArray[Any], rate_hz: int) -> float:
    """Return wide-band PESQ, 1 to 4.6 (ITU-T P.862.2), by `pesq`.

    Raises
    ------
    ToolError
        When the package is not installed.
    DataError
        When the rate is not 16 kHz, or no speech is found.
    """
    if rate_hz != PESQ_HZ:
        raise DataError(f"PESQ: wide-band is defined at {PESQ_HZ} Hz, the audio has {rate_hz} Hz")
    measure = _package("pesq")
    try:
        return float(measure.pesq(rate_hz, _real(wanted), _real(given), "wb"))
    except measure.PesqError as reason:
        raise DataError(
            f"PESQ: {reason}", "it needs recordings with some seconds of speech"
        ) from None


def available() -> list[str]:
    """Return which of `stoi` and `pesq` this installation can compute."""
    return [name for name, package in _NEEDED.items() if importlib.util.find_spec(package)]


def quality(
    given: list[NDArray[np.int16]], wanted: list[NDArray[np.int16]], rate_hz: int
) -> Quality:
    """Return the means over recordings of all measures that are installed; one rate for all.

    PESQ is left out at another rate than its own, and for recordings in which it finds no speech.
    """
    pairs = list(zip(given, wanted, strict=True))
    known = {name: measure for name, measure in _MEASURES.items() if name in available()}
    extra = {name: _mean(measure, pairs, rate_hz) for name, measure in known.items()}
    return Quality(float(np.mean([si_sdr_db(g, w) for g, w in pairs])), **extra)


_MEASURES: dict[str, Measure] = {"stoi": stoi, "pesq": pesq}


def _mean(measure: Measure, pairs: list[tuple[Any, Any]], rate_hz: int) -> float | None:
    """Return the mean over the recordings for which the measure is defined."""
    found = []
    for given, wanted in pairs:
        with contextlib.suppress(DataError):
            found.append(measure(given, wanted, rate_hz))
    return float(np.mean(found)) if found else None


def _real(samples: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(samples, np.float64) / 32768.0


def _package(name: str) -> Any:
    try:
        return importlib.import_module(_NEEDED[name])
    except ImportError:
        raise ToolError(
            f"{name.upper()} needs the {_NEEDED[name]} package", "pip install 'tinykit[quality]'"
        ) from None
