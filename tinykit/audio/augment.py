"""Other ways in which the same recording could have sounded: faster, in a room, moved, in noise.

Every version draws from a generator of its own (`tinykit.audio.seeded`), so it does not depend on
how many versions are made, or in which order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.noise import Noise, power
from tinykit.audio.rooms import Response, reverberate
from tinykit.audio.warp import change_pitch, change_speed
from tinykit.audio.wav import to_int16
from tinykit.config import Augment

Samples = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Draw:
    """What one version is to be, before anything is computed.

    Attributes
    ----------
    offset : int
        Samples by which the clip is moved; later when positive.
    noisy : bool
        Whether `background` is added at `snr_db`.
    snr_db, gain_db : float
    background : int16 (clip_samples,)
    speed : float
        Factor of tempo and pitch together; 1.1 is 10 % faster and higher.
    semitones : float
        Of pitch alone; 12 is an octave up.
    room : float (samples,) or None
        Impulse response from mouth to microphone.
    """

    offset: int
    noisy: bool
    snr_db: float
    gain_db: float
    background: Samples
    speed: float
    semitones: float
    room: Response | None


def augment(
    samples: Samples,
    noise: Noise,
    table: Augment,
    rate_hz: int,
    rng: np.random.Generator,
    rooms: Sequence[Response] = (),
) -> Samples:
    """Return one augmented version of a training clip.

    Parameters
    ----------
    samples : int16 (clip_samples,)
    noise : Noise
        Of which only the training part is used.
    table : Augment
        `[augment]`: ranges and probabilities.
    rate_hz : int
        Sample rate of `samples`.
    rng : numpy.random.Generator
        The generator of this version.
    rooms : sequence of float (samples,)
        Impulse responses to choose from (`rooms.load`); without any, the clip stays dry.

    Returns
    -------
    int16 (clip_samples,)
        Never clipped: the gain stops where the loudest sample reaches full scale.
    """
    return apply(samples, draw(len(samples), noise, table, rate_hz, rng, rooms))


def draw(
    count: int,
    noise: Noise,
    table: Augment,
    rate_hz: int,
    rng: np.random.Generator,
    rooms: Sequence[Response] = (),
) -> Draw:
    """Choose what a version of a clip of `count` samples is to be."""
    # Every draw is made, used or not, and new ones come last: switching one option off leaves the
    # others as they were.
    limit = min(table.time_shift_ms * rate_hz // 1000, count)
    offset = int(rng.integers(-limit, limit + 1))
    noisy = rng.random() < table.noise_probability
    snr_db = float(rng.uniform(*table.noise_snr_db))
    gain_db = float(rng.uniform(*table.gain_db))
    background = noise.excerpt("training", count, rng)
    speed = float(rng.uniform(*table.speed))
    semitones = float(rng.uniform(*table.pitch_semitones))
    inside = rng.random() < table.room_probability
    place = rng.random()
    room = rooms[int(place * len(rooms))] if inside and rooms else None
    return Draw(offset, noisy, snr_db, gain_db, background, speed, semitones, room)


def apply(samples: Samples, version: Draw) -> Samples:
    """Return the version: the voice is changed, then the room, the place, the noise, the level."""
    voice = change_pitch(change_speed(samples, version.speed), version.semitones)
    if version.room is not None:
        voice = reverberate(voice, version.room)
    moved = shift(voice, version.offset)
    mixed = moved.astype(np.float64)
    if version.noisy:
        mixed += version.background * snr_factor(moved, version.background, version.snr_db)
    peak = float(np.abs(mixed).max(initial=0.0))
    gain = 10.0 ** (version.gain_db / 20.0)
    return to_int16(mixed * (min(gain, 32767.0 / peak) if peak else 0.0))


def shift(samples: Samples, offset: int) -> Samples:
    """Move `samples` later by `offset`, earlier when negative; zeros come in at the free end."""
    moved = np.zeros_like(samples)
    if offset >= 0:
        moved[offset:] = samples[: len(samples) - offset]
    else:
        moved[:offset] = samples[-offset:]
    return moved


def snr_factor(signal: Samples, noise: Samples, snr_db: float) -> float:
    """Return by what to multiply `noise` so that ``10 log10(P_signal / P_noise) = snr_db``.

    Powers are means over the whole clip, pauses included. Digital silence has no ratio to
    anything: the noise is then left as it is.
    """
    signal_power, noise_power = power(signal), power(noise)
    if not signal_power or not noise_power:
        return 1.0
    return float((signal_power / noise_power) ** 0.5 * 10.0 ** (-snr_db / 20.0))
