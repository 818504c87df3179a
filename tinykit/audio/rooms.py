"""Rooms: impulse responses from a talker to a microphone, recorded or simulated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import wav
from tinykit.audio.seeded import generator
from tinykit.config import Augment
from tinykit.errors import DataError, ToolError
from tinykit.progress import Progress, silent

Response = NDArray[np.float64]

SIMULATED = 100
"""How many rooms are simulated for one training."""

LONGEST_S = 1.0
"""What is kept of a response, in seconds."""

_SMALLEST_M, _LARGEST_M = (2.5, 2.5, 2.2), (8.0, 6.0, 3.5)
_WALL_M = 0.3  # nobody stands, and no microphone lies, nearer to a wall
_NEAREST_M = 0.3  # nor the talker nearer to the microphone
_HIGHEST_ORDER = 30  # some 36,000 image sources; higher ones arrive after 500 ms and more
_BEFORE_DIRECT = 16  # samples kept before the direct sound: the rise of a fractional delay


def load(
    table: Augment, rate_hz: int, seed: int, folder: Path = Path(), progress: Progress = silent
) -> list[Response]:
    """Return the rooms of `[augment]`: none, those of `room_path`, or simulated ones.

    Parameters
    ----------
    table : Augment
        `room_probability`, `room_path`, `room_t60_ms`.
    rate_hz : int
        Of the clips.
    seed : int
        Another seed simulates other rooms.
    folder : Path
        Where a relative `room_path` begins: the project.

    Raises
    ------
    DataError
        When `room_path` holds no impulse response.
    ToolError
        When rooms are to be simulated and pyroomacoustics is not installed.
    """
    if not table.room_probability:
        return []
    if table.room_path:
        return recorded(folder / table.room_path, rate_hz)
    return simulated(table, rate_hz, seed, SIMULATED, progress)


def simulated(
    table: Augment, rate_hz: int, seed: int, count: int, progress: Progress = silent
) -> list[Response]:
    """Return `count` simulated rooms, the first of those that `load` would simulate."""
    rooms = []
    for number in range(count):
        rooms.append(simulate(generator("room", seed, number), table.room_t60_ms, rate_hz))
        progress("simulate rooms", number + 1, count)
    return rooms


def recorded(folder: Path, rate_hz: int) -> list[Response]:
    """Read every recording below `folder` as an impulse response, its first channels averaged."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder", "set [augment] room_path to a folder")
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in wav.SUFFIXES and not file.name.startswith(".")
    ]
    if not files:
        raise DataError(f"{folder}: no recordings", f"they end in {' or '.join(wav.SUFFIXES)}")
    rooms = []
    for file in files:
        response = wav.read(file, rate_hz).astype(np.float64)
        if not response.any():
            raise DataError(f"{file}: an impulse response of zeros", "remove the file")
        rooms.append(aligned(response, rate_hz))
    return rooms


def simulate(rng: np.random.Generator, t60_ms: tuple[float, float], rate_hz: int) -> Response:
    """Return the response of a random rectangular room, float (samples,).

    Size, talker and microphone are drawn from `rng`, and a reverberation time (60 dB of decay)
    within `t60_ms`, from which Sabine's formula gives the walls' absorption.

    Notes
    -----
    The image source method (Allen and Berkley, J. Acoust. Soc. Am. 65, 1979), computed by
    pyroomacoustics (Scheibler et al., ICASSP 2018).
    """
    size = rng.uniform(_SMALLEST_M, _LARGEST_M)
    talker, microphone = _places(rng, size)
    library = _library()
    # Sabine's formula has no answer where even open walls ring longer: a large room, a short time.
    shortest_s = 0.161 * size.prod() / _surface(size) / 0.99
    t60_s = max(float(rng.uniform(*t60_ms)) / 1000.0, shortest_s)
    absorption, order = library.inverse_sabine(t60_s, size)
    room = library.ShoeBox(
        size,
        fs=rate_hz,
        materials=library.Material(absorption),
        max_order=min(order, _HIGHEST_ORDER),
    )
    room.add_source(talker)
    room.add_microphone(microphone)
    room.compute_rir()
    return aligned(np.asarray(room.rir[0][0], np.float64), rate_hz)


def statistical(rng: np.random.Generator, rate_hz: int) -> Response:
    """Return a random response by a statistical model, float (samples,); it needs no library.

    Direct sound, a pause, and Gaussian noise that decays by 60 dB in 100 to 600 ms (Moorer,
    Computer Music Journal 3, 1979); direct over reverberant energy is -3 to 12 dB.
    """
    t60_s = rng.uniform(0.1, 0.6)
    direct_db, pause_s = rng.uniform(-3.0, 12.0), rng.uniform(0.002, 0.02)
    time_s = np.arange(round(0.7 * t60_s * rate_hz)) / rate_hz  # the rest is below -42 dB
    tail = rng.standard_normal(len(time_s)) * 10.0 ** (-3.0 * time_s / t60_s)
    tail[time_s < pause_s] = 0.0
    tail *= 10.0 ** (-direct_db / 20.0) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail


def _places(
    rng: np.random.Generator, size: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw where the talker and the microphone are, in metres from a corner."""
    while True:
        talker, microphone = (rng.uniform(_WALL_M, size - _WALL_M) for _ in range(2))
        if float(np.linalg.norm(talker - microphone)) >= _NEAREST_M:
            return talker, microphone


def _surface(size: NDArray[np.float64]) -> float:
    x, y, z = size
    return float(2 * (x * y + y * z + z * x))


def _library() -> Any:
    try:
        import pyroomacoustics  # seconds to import: only when a room is simulated
    except ImportError:
        raise ToolError(
            "[augment] room_probability: simulating rooms needs the pyroomacoustics package",
            'pip install "tinykit[rooms]", or give recorded impulse responses: '
            "[augment] room_path = FOLDER",
        ) from None
    return pyroomacoustics


def aligned(response: NDArray[np.float64], rate_hz: int) -> Response:
    """Begin at the direct sound, so that a room does not move the word, and end at `LONGEST_S`."""
    size = np.abs(response)
    # The first sample within 20 dB of the peak: in a lively room a reflection may be the loudest.
    direct = int(np.flatnonzero(size >= 0.1 * size.max())[0])
    return response[max(0, direct - _BEFORE_DIRECT) :][: round(LONGEST_S * rate_hz)]


def reverberate(samples: NDArray[np.int16], response: Response) -> NDArray[np.int16]:
    """Return `samples` as heard in a room, int16 of the same length and RMS (or peak at most)."""
    count = len(samples)
    size = 1 << (count + len(response) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)[:count]
    before, after = _rms(samples), _rms(wet)
    if not after:
        return samples
    peak = float(np.abs(wet).max())
    return wav.to_int16(wet * min(before / after, 32767.0 / peak))


def _rms(samples: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def digest(rooms: Sequence[Response]) -> list[bytes]:
    """Return the bytes of every response: what a cache of reverberated clips depends on."""
    return [room.tobytes() for room in rooms]
