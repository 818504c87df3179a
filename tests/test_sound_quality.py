"""Quality of an enhancer's audio: each sound against the speech, and what has no number."""

from __future__ import annotations

import numpy as np
import pytest

from tinykit.errors import DataError
from tinykit.evaluate import enhancement
from tinykit.evaluate.enhancement import si_sdr_db
from tinykit.pipeline.mixtures import Mixtures
from tinykit.pipeline.sound_quality import measure

RATE_HZ = 16000


@pytest.fixture(autouse=True)
def only_si_sdr(monkeypatch: pytest.MonkeyPatch) -> None:
    """STOI and PESQ are packages of their own, held to their papers elsewhere."""
    monkeypatch.setattr(enhancement, "available", lambda: [])


def _mixtures() -> Mixtures:
    rng = np.random.default_rng(0)
    clean = (rng.standard_normal((2, 4000)) * 3000).astype(np.int16)
    noisy = (clean + rng.normal(0, 3000, clean.shape)).astype(np.int16)
    better = (clean + rng.normal(0, 300, clean.shape)).astype(np.int16)
    return Mixtures(noisy, clean, better, np.zeros(2))


def test_each_sound_is_held_to_the_speech() -> None:
    """Means over the recordings, of what went in, of the float model, of twin and device."""
    chosen = _mixtures()
    assert chosen.clean is not None and chosen.by_float is not None
    device = [(one * 0.5).astype(np.int16) for one in chosen.by_float]
    found = measure(chosen, list(chosen.by_float), device, RATE_HZ)
    assert list(found) == ["noisy", "float", "host", "device"]
    assert found["noisy"]["si_sdr_db"] == pytest.approx(0, abs=0.5)
    expected = np.mean(
        [si_sdr_db(*pair) for pair in zip(chosen.by_float, chosen.clean, strict=True)]
    )
    assert found["host"]["si_sdr_db"] == found["float"]["si_sdr_db"] == pytest.approx(expected)
    assert found["device"]["si_sdr_db"] == pytest.approx(20, abs=0.5)


def test_a_device_that_is_silent_has_no_ratio() -> None:
    """Minus infinity is no number that JSON has."""
    chosen = _mixtures()
    silence = [np.zeros(4000, np.int16)] * 2
    found = measure(chosen, silence, silence, RATE_HZ)
    assert found["device"]["si_sdr_db"] is None


def test_without_speech_nothing_is_measured() -> None:
    """Sounds made for the proof have no truth to compare with."""
    assert measure(Mixtures(np.zeros((2, 100), np.int16)), [], [], RATE_HZ) == {}


def test_silent_speech_is_an_error() -> None:
    """A mixture of nothing: said, with the file, and how to go on without."""
    chosen = _mixtures()
    silent = Mixtures(chosen.noisy, chosen.noisy * 0, chosen.by_float, chosen.snr_db)
    with pytest.raises(DataError, match=r"silence \(in mixtures.npz\)") as caught:
        measure(silent, list(chosen.noisy), list(chosen.noisy), RATE_HZ)
    assert "audio_clips = 0" in caught.value.hint
