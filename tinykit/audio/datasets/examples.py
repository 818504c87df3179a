"""What augmentation does, to be heard: a clip after each way of changing it, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinykit.audio import frontend_mel
from tinykit.audio.augment import Draw, apply, augment
from tinykit.audio.datasets.dataset import Samples
from tinykit.audio.noise import Noise
from tinykit.audio.rooms import Response
from tinykit.audio.seeded import generator
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.wav import to_int16
from tinykit.config import Augment, Train

TYPICAL = Augment(
    speed=(0.9, 1.1), pitch_semitones=(-2.0, 2.0), room_probability=0.5, noise_probability=0.8
)
"""What is shown of an augmentation that the project has switched off."""

_MIXED = 0.3


@dataclass(frozen=True, eq=False)
class Example:
    """A clip and what was done to it.

    Attributes
    ----------
    title : str
        With the value and its unit.
    used : bool
        Whether the project's training does it.
    samples : int16 (clip_samples,)
    """

    title: str
    used: bool
    samples: Samples


def examples(
    clip: Samples,
    other: Samples,
    noise: Noise,
    table: Augment,
    train: Train,
    spec: FeatureSpec,
    rooms: Sequence[Response],
) -> Iterator[Example]:
    """Yield `clip` after each augmentation at both ends of its range, then as training draws it.

    Parameters
    ----------
    clip, other : int16 (clip_samples,)
        Two training clips.
    noise : Noise
    table : Augment
    train : Train
        `time_mask`, `frequency_mask`, `mix_up`.
    spec : FeatureSpec
    rooms : sequence of float (samples,)
        May be empty: then no room is shown.
    """
    rate_hz, rng = spec.sample_rate_hz, generator("listen")
    background = noise.excerpt("training", len(clip), rng)
    plain = Draw(0, False, 0.0, 0.0, background, 1.0, 0.0, None)

    def version(title: str, used: bool, **changes: object) -> Example:
        return Example(title, used, apply(clip, replace(plain, **changes)))  # type: ignore[arg-type]

    def ends(key: str, off: tuple[float, float]) -> tuple[bool, tuple[float, float]]:
        """Return whether the project uses a range, and that range or a typical one."""
        used = getattr(table, key) != off
        return used, getattr(table if used else TYPICAL, key)

    used, speeds = ends("speed", (1.0, 1.0))
    yield from (version(f"speed x {value:g}", used, speed=value) for value in speeds)
    used, tones = ends("pitch_semitones", (0.0, 0.0))
    yield from (version(f"pitch {v:+g} semitones", used, semitones=v) for v in tones)
    for number, room in enumerate(rooms[:2], 1):
        yield version(f"room {number}", table.room_probability > 0, room=room)
    shift_ms = table.time_shift_ms or TYPICAL.time_shift_ms
    for sign in (-1, 1):
        offset = sign * min(shift_ms * rate_hz // 1000, len(clip))
        yield version(f"moved {sign * shift_ms:+d} ms", table.time_shift_ms > 0, offset=offset)
    for value in dict.fromkeys(table.noise_snr_db):
        noisy = table.noise_probability > 0
        yield version(f"noise at {value:g} dB SNR", noisy, noisy=True, snr_db=value)
    used, gains = ends("gain_db", (0.0, 0.0))
    yield from (version(f"gain {value:+g} dB", used, gain_db=value) for value in gains)
    yield from _of_features(clip, other, train, spec)
    for number in range(1, 4):
        drawn = augment(clip, noise, table, rate_hz, generator("listen", number), rooms)
        yield Example(f"as training draws it, {number}", table.copies > 0, drawn)


def _of_features(
    clip: Samples, other: Samples, train: Train, spec: FeatureSpec
) -> Iterator[Example]:
    """Yield what training does to features, done to the audio: so it would sound."""
    frames = min(train.time_mask or 8, spec.frames)
    start = (spec.frames - frames) // 2 * spec.hop_samples
    hidden = clip.copy()
    hidden[start : start + frames * spec.hop_samples] = 0
    yield Example(f"time mask, {frames} frames", train.time_mask > 0, hidden)

    columns = min(train.frequency_mask or 8, spec.mel_bins)
    lowest, highest = frontend_mel.mel(spec.low_hz), frontend_mel.mel(spec.high_hz)
    step = (highest - lowest) / (spec.mel_bins + 1)
    spectrum = np.fft.rfft(clip)
    frequencies = np.fft.rfftfreq(len(clip), 1 / spec.sample_rate_hz)
    place = (np.vectorize(frontend_mel.mel)(frequencies) - lowest) / step
    first = (spec.mel_bins - columns) // 2
    spectrum[(place >= first) & (place < first + columns + 1)] = 0
    masked = to_int16(np.fft.irfft(spectrum, len(clip)))
    yield Example(f"frequency mask, {columns} mel bins", train.frequency_mask > 0, masked)

    mixed = to_int16((1 - _MIXED) * clip + _MIXED * other)
    yield Example(f"mix-up, {_MIXED:.0%} of another clip", train.mix_up > 0, mixed)
