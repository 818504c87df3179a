from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sounds import RATE_HZ, tone

from tinykit.audio import rooms, wav
from tinykit.audio.augment import augment
from tinykit.audio.noise import Noise
from tinykit.audio.seeded import generator
from tinykit.config import Augment
from tinykit.errors import DataError, ToolError

T60_MS = (300.0, 300.0)


def _echo(delay: int = 2000, level: float = 0.5) -> np.ndarray:
    """The direct sound and one echo, as a recording of 16 bits would have them."""
    response = np.zeros(4000)
    response[[100, 100 + delay]] = 20000.0, 20000.0 * level
    return response


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recorded rooms."""
    for name, level in (("hall", 0.5), ("attic/a", 0.25)):
        wav.write(tmp_path / f"{name}.wav", _echo(level=level).astype(np.int16), RATE_HZ)
    return tmp_path


def test_without_rooms_nothing_is_loaded() -> None:
    """Probability 0, the default, needs neither a folder nor a package."""
    assert rooms.load(Augment(room_path="/nowhere"), RATE_HZ, 0) == []


def test_a_folder_of_responses_is_read(folder: Path) -> None:
    """Every recording is a room; each begins at its direct sound."""
    found = rooms.load(Augment(room_probability=0.5, room_path="."), RATE_HZ, 0, folder)
    assert [float(room[2016] / room[16]) for room in found] == [0.25, 0.5]


@pytest.mark.parametrize(
    ("name", "samples", "says"),
    [(None, None, "no recordings"), ("a.wav", np.zeros(100, np.int16), "zeros")],
)
def test_a_folder_without_responses_is_an_error(
    tmp_path: Path, name: str | None, samples: np.ndarray, says: str
) -> None:
    """An empty folder, or a response of digital silence, is named."""
    if name:
        wav.write(tmp_path / name, samples, RATE_HZ)
    with pytest.raises(DataError, match=says):
        rooms.load(Augment(room_probability=1.0, room_path=str(tmp_path)), RATE_HZ, 0)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """The message has the path."""
    with pytest.raises(DataError, match="nowhere"):
        rooms.load(Augment(room_probability=1.0, room_path="nowhere"), RATE_HZ, 0, tmp_path)


def test_a_room_adds_its_echo_in_place() -> None:
    """An impulse keeps its place, its echo follows, and the level stays."""
    click = np.zeros(RATE_HZ, np.int16)
    click[3000] = 10000
    wet = rooms.reverberate(click, rooms.aligned(_echo(), RATE_HZ)).astype(float)
    assert np.flatnonzero(wet).tolist() == [3016, 5016]
    assert wet[5016] / wet[3016] == pytest.approx(0.5, abs=1e-3)
    assert np.linalg.norm(wet) == pytest.approx(10000, rel=1e-3)


def test_a_room_never_clips() -> None:
    """A loud clip stays within full scale; silence stays silence."""
    loud = rooms.reverberate(tone(500, amplitude=32767), rooms.aligned(_echo(level=1), RATE_HZ))
    assert np.abs(loud.astype(int)).max() <= 32767
    assert not rooms.reverberate(np.zeros(100, np.int16), _echo()).any()


def test_rooms_are_used_as_often_as_asked(noise: Noise) -> None:
    """With probability 1 every version is in a room, with 0.5 about half of them."""
    clip, room = tone(500, 0.2), rooms.aligned(_echo(delay=800), RATE_HZ)

    def heard(probability: float) -> int:
        table = Augment(
            time_shift_ms=0, noise_probability=0, gain_db=(0, 0), room_probability=probability
        )
        versions = (
            augment(clip, noise, table, RATE_HZ, generator("t", seed), [room]) for seed in range(80)
        )
        return sum(bool((version != clip).any()) for version in versions)

    assert heard(0.0) == 0 and heard(1.0) == 80 and 20 < heard(0.5) < 60


def test_simulation_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyroomacoustics the error names it, and the way without it."""
    monkeypatch.setitem(__import__("sys").modules, "pyroomacoustics", None)
    with pytest.raises(ToolError, match="pyroomacoustics") as caught:
        rooms.load(Augment(room_probability=0.5), RATE_HZ, 0)
    assert "room_path" in caught.value.hint


def test_simulated_rooms_decay_as_asked() -> None:
    """By Schroeder's backward integration, energy falls by 60 dB in about the time asked for."""
    pytest.importorskip("pyroomacoustics")
    for number in range(5):
        response = rooms.simulate(generator("test", number), T60_MS, RATE_HZ)
        left_db = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] / np.sum(response**2))
        fifth, twentieth = (int(np.argmax(left_db < -level)) for level in (5, 20))
        t60_ms = 4 * (twentieth - fifth) * 1000 / RATE_HZ
        assert 150 < t60_ms < 450  # Sabine's formula is for a diffuse field; a small room has none


def test_simulated_rooms_repeat_and_differ() -> None:
    """A room is a function of its seed."""
    pytest.importorskip("pyroomacoustics")
    first, again, other = (
        rooms.simulate(generator("test", seed), T60_MS, RATE_HZ) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


def test_a_short_time_in_a_large_room_is_possible() -> None:
    """Where Sabine's formula has no answer, the walls absorb nearly all."""
    pytest.importorskip("pyroomacoustics")
    assert rooms.simulate(generator("test", 3), (50.0, 50.0), RATE_HZ).any()


def test_a_statistical_room_decays_as_a_room_does() -> None:
    """The direct sound first, then a tail with the energy and the decay of its range."""
    for seed in range(20):
        response = rooms.statistical(np.random.default_rng(seed), RATE_HZ)
        tail = response[1:] ** 2
        assert response[0] == 1.0 and not tail[:30].any()
        assert -12.1 < 10 * np.log10(tail.sum()) < 3.1
        # 42 dB of decay are drawn: 21 between the middles of the halves, less what the pause takes.
        halves = [half.sum() for half in np.array_split(tail[320:], 2)]
        assert 10 * np.log10(halves[0] / halves[1]) == pytest.approx(19, abs=5)
