"""Measures of enhanced speech, on signals whose values are known."""

from __future__ import annotations

import numpy as np
import pytest

from tinykit.errors import DataError
from tinykit.evaluate import enhancement


def _signals() -> tuple[np.ndarray, np.ndarray]:
    """A signal and noise that is orthogonal to it and as strong."""
    time = np.arange(32000) / 16000
    return 3000 * np.sin(2 * np.pi * 500 * time), 3000 * np.cos(2 * np.pi * 500 * time)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 20.0])
@pytest.mark.parametrize("gain", [0.1, 1.0, 3.0])
def test_si_sdr_is_the_ratio_whatever_the_level(snr_db: float, gain: float) -> None:
    """Orthogonal noise is all distortion, the gain is none."""
    wanted, noise = _signals()
    given = gain * (wanted + noise * 10 ** (-snr_db / 20))
    assert enhancement.si_sdr_db(given, wanted) == pytest.approx(snr_db, abs=1e-6)


def test_si_sdr_of_the_signal_itself_is_infinite() -> None:
    """Without a warning."""
    wanted, _ = _signals()
    assert enhancement.si_sdr_db(wanted, wanted) > 200


def test_si_sdr_refuses_what_does_not_compare() -> None:
    """Other lengths, and silence."""
    wanted, _ = _signals()
    with pytest.raises(DataError, match="do not compare"):
        enhancement.si_sdr_db(wanted[:-1], wanted)
    with pytest.raises(DataError, match="silence"):
        enhancement.si_sdr_db(wanted, np.zeros_like(wanted))


def _speech_like() -> np.ndarray:
    rng = np.random.default_rng(8)
    time = np.arange(48000) / 16000
    voice = sum(np.sin(2 * np.pi * 140 * n * time) / n for n in range(1, 30))
    syllables = np.clip(np.sin(2 * np.pi * 3.3 * time), 0, 1)
    return (5000 * voice * syllables + 20 * rng.standard_normal(48000)).astype(np.int16)


@pytest.mark.parametrize(("name", "best"), [("stoi", 1.0), ("pesq", 4.64)])
def test_stoi_and_pesq(name: str, best: float) -> None:
    """The signal itself has the greatest value, noise lowers it."""
    if name not in enhancement.available():
        pytest.skip(f"{name} is not installed (extra `quality`)")
    measure = getattr(enhancement, name)
    clean = _speech_like()
    noise = 2000 * np.random.default_rng(2).standard_normal(len(clean))
    noisy = (clean + noise).clip(-32768, 32767).astype(np.int16)
    assert measure(clean, clean, 16000) == pytest.approx(best, abs=0.01)
    assert measure(noisy, clean, 16000) < best - 0.1


def test_quality_has_what_is_installed() -> None:
    """SI-SDR always; the mean over recordings."""
    clean = _speech_like()
    found = enhancement.quality([clean, clean // 2], [clean, clean], 16000)
    assert found.si_sdr_db > 40
    for name in ("stoi", "pesq"):
        assert (getattr(found, name) is not None) == (name in enhancement.available())


def test_recordings_a_measure_refuses_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """PESQ raises where it finds no speech: the mean is that of the others, and None of none."""

    def refuses_the_long(given: np.ndarray, wanted: np.ndarray, rate_hz: int) -> float:
        if len(given) > 40000:
            raise DataError("no speech")
        return 3.0

    monkeypatch.setattr(enhancement, "available", lambda: ["pesq"])
    monkeypatch.setitem(enhancement._MEASURES, "pesq", refuses_the_long)
    long, short = _speech_like(), _speech_like()[:32000]
    assert enhancement.quality([long, short], [long, short], 16000).pesq == 3.0
    assert enhancement.quality([long], [long], 16000).pesq is None


def test_pesq_is_left_out_at_another_rate() -> None:
    """Wide-band PESQ is defined at 16 kHz alone; the other measures are there."""
    clean = _speech_like()
    found = enhancement.quality([clean // 2], [clean], 8000)
    assert found.pesq is None
    assert found.si_sdr_db > 40
