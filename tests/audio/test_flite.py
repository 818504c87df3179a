from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinykit import programs
from tinykit.audio import flite
from tinykit.audio.flite import VOICES, Utterance
from tinykit.errors import ToolError

needs_flite = pytest.mark.skipif(not flite.installed(), reason="flite is not installed")
SAID = Utterance("computer", "slt", 170.0)


@needs_flite
@pytest.mark.parametrize("voice", VOICES)
def test_the_same_utterance_gives_the_same_samples(voice: str) -> None:
    """Every voice says something, the same every time, and not what another voice says."""
    said = Utterance("computer", voice, VOICES[voice])
    first = flite.say(said)
    assert np.abs(first.astype(int)).max() > 3000 and 0.5 < len(first) / flite.RATE_HZ < 2.0
    np.testing.assert_array_equal(flite.say(said), first)
    other = "awb" if voice != "awb" else "rms"
    assert len(flite.say(Utterance("computer", other, VOICES[voice]))) != len(first)


@needs_flite
def test_stretch_and_pitch_do_what_they_say() -> None:
    """Twice the stretch is about twice as long; the pitch is the one asked for."""
    short, long = (len(flite.say(Utterance("four", "awb", 120.0, 5.0, s))) for s in (0.7, 1.4))
    assert 1.6 < long / short < 2.2
    low, high = (_pitch(flite.say(Utterance("ah", "awb", hz, 1.0))) for hz in (90.0, 150.0))
    assert 75 < low < 110 < 130 < high < 175


def _pitch(speech: np.ndarray) -> float:
    """Return the pitch in Hz: of the periods of which the sound is alike, the shortest."""
    middle = speech[len(speech) // 3 : 2 * len(speech) // 3].astype(float)
    middle -= middle.mean()
    likeness = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    likeness /= np.arange(len(middle), 0, -1)  # of how many samples each is a sum
    likeness = likeness[: flite.RATE_HZ // 60]
    shortest = flite.RATE_HZ // 250
    alike = np.flatnonzero(likeness[shortest:] > 0.9 * likeness[shortest:].max())
    return flite.RATE_HZ / (shortest + int(alike[0]))


def test_without_flite_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not there: the command that installs it."""
    monkeypatch.setenv("PATH", "")
    assert not flite.installed()
    with pytest.raises(ToolError, match="speaks for wake words") as caught:
        flite.say(SAID)
    assert "flite" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("script", "says"), [("exit 3", "exit code 3"), ("exit 0", "No such file")]
)
def test_a_flite_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    """By its exit code, or because there is no recording."""
    program = tmp_path / "flite"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=says):
        flite.say(SAID)


def test_where_homebrew_has_no_flite_the_sources_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No command that would fail."""
    brew = tmp_path / "brew"
    brew.write_text("#!/bin/sh\n")
    brew.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.install("flite") == "build it from https://github.com/festvox/flite"
    assert programs.install("gcc") == "brew install gcc"
