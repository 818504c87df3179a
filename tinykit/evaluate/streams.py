"""A long recording out of a split of a data set: wake words among other speech, in noise.

Whoever is heard here is heard in no other split, and nothing is heard twice: a false accept that
repeats would count as several. Words are where their energy is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import wav
from tinykit.audio.datasets.dataset import Clip, Dataset, Recorded
from tinykit.audio.datasets.generation import NEAR_MISS
from tinykit.audio.datasets.recordings import Loudest, Part
from tinykit.audio.noise import Noise, Samples, at_level, power
from tinykit.audio.seeded import fraction, generator
from tinykit.audio.split import SPLITS, Split
from tinykit.evaluate.events import Event
from tinykit.progress import Progress, silent

WANTED_SHARE = 0.25
"""Of the time at most, for recordings of the wake word: the rest is to be rejected."""

SPEECH_LEVEL_DB = (-36.0, -18.0)
NOISE_LEVEL_DB = (-70.0, -38.0)
"""RMS in dB of full scale, of each recording, and of the noise under everything."""

NOISE_S = (15.0, 60.0)
"""How long a noise goes on before another begins."""

PAUSE_S = (0.2, 1.0)
LONG_PAUSE_S = (5.0, 15.0)
LONG_PAUSES = 0.04
"""Between recordings; the share of long ones, in which there is nothing but noise."""

FADE_MS = 20
EXTENT_FRAME_MS = 20
EXTENT_DB = 25.0
"""A word begins and ends where its energy is less than so far below its loudest frame."""


@dataclass(frozen=True)
class Stream:
    """A recording, what is said in it, and what it consists of.

    Attributes
    ----------
    audio : int16 (samples,)
    events : list of Event
        The wanted words, in order of time.
    wanted, others : int
        How many recordings of the wanted words, and of other speech.
    others_s : float
        How long the other speech lasts.
    speakers : int
        Who speaks, wanted or not; where nobody knows, each recording counts as one.
    synthetic_share : float
        Of the recordings of speech.
    """

    audio: Samples
    events: list[Event]
    wanted: int
    others: int
    others_s: float
    speakers: int
    synthetic_share: float


@dataclass(frozen=True)
class Passage:
    """A clip, or the recording that it is from as a whole; `seconds` long."""

    clip: Clip
    wanted: bool
    seconds: float
    whole: Path | None = None

    def samples(self, rate_hz: int) -> Samples:
        """Return int16 (samples,)."""
        if self.whole:
            return wav.read(self.whole, rate_hz)
        return self.clip.audio.samples(round(self.seconds * rate_hz), rate_hz)


def compose(
    dataset: Dataset, split: Split, minutes: float, seed: int, progress: Progress = silent
) -> Stream:
    """Return at most `minutes` of the recordings of `split`, in an order drawn by `seed`.

    Parameters
    ----------
    dataset : Dataset
        Classes whose names begin with `_` are other speech, or silence.
    """
    rate_hz = dataset.sample_rate_hz
    budget_s = minutes * 60.0
    chosen = _choose(passages(dataset, split), budget_s, seed, split)
    audio = _bed(dataset.noise, split, round(budget_s * rate_hz), rate_hz, seed)
    rng = generator("stream", seed, split)
    events: list[Event] = []
    heard: list[Passage] = []
    at = round(PAUSE_S[1] * rate_hz)
    for done, passage in enumerate(chosen, 1):
        speech = at_level(_faded(passage.samples(rate_hz), rate_hz), rng.uniform(*SPEECH_LEVEL_DB))
        pause_s = rng.uniform(*(LONG_PAUSE_S if rng.random() < LONG_PAUSES else PAUSE_S))
        end = at + len(speech)
        if end + rate_hz * 2 > len(audio):  # a word at the very end could not be detected
            break
        bed = audio[at:end].copy()
        audio[at:end] = np.clip(bed.astype(np.int32) + speech, -32768, 32767)
        if passage.wanted:
            events.append(_event(passage, speech, bed, at, rate_hz))
        heard.append(passage)
        at = end + round(pause_s * rate_hz)
        if done % 100 == 0 or done == len(chosen):
            progress(f"compose {split}", done, len(chosen))
    others = [passage for passage in heard if not passage.wanted]
    return Stream(
        audio[: min(len(audio), at + 2 * rate_hz)],
        events,
        wanted=len(heard) - len(others),
        others=len(others),
        others_s=sum(passage.seconds for passage in others),
        speakers=len({passage.clip.speaker for passage in heard}),
        synthetic_share=sum(p.clip.synthetic for p in heard) / max(1, len(heard)),
    )


def passages(dataset: Dataset, split: Split) -> list[Passage]:
    """Return what is said in a split, each recording once.

    A recording that was cut into clips is heard as a whole unless a wanted word is in it; one in
    which a wanted word was looked for as well. Of a recording with time stamps its clips are heard.
    Near misses are left out: nobody says one every few seconds, and an hour full of them tells
    nothing of an hour of speech. How often they are taken for the word is in the confusion matrix.
    """
    said_in: dict[object, list[Clip]] = defaultdict(list)
    for one in SPLITS:
        for clip in dataset.clips[one]:
            said_in[getattr(clip.audio, "path", clip.source)].append(clip)
    clip_s = dataset.clip_samples / dataset.sample_rate_hz
    found: list[Passage] = []
    for clips in said_in.values():
        spoken = [
            clip
            for clip in clips
            if clip.split == split and clip.speaker and clip.word != NEAR_MISS
        ]
        wanted = [not dataset.labels[clip.label].startswith("_") for clip in clips]
        path = _recording(clips, any(wanted))
        if path and spoken:
            found.append(Passage(spoken[0], wanted[0], wav.info(path).duration_s, path))
        elif spoken:
            called = [not dataset.labels[clip.label].startswith("_") for clip in spoken]
            found += [Passage(*pair, clip_s) for pair in zip(spoken, called, strict=True)]
    return found


def _recording(clips: Sequence[Clip], wanted: bool) -> Path | None:
    """Return the file that can be heard as a whole in place of its clips."""
    first = clips[0].audio
    if len(clips) == 1 and isinstance(first, Recorded | Loudest):
        return first.path
    return first.path if isinstance(first, Recorded | Part) and not wanted else None


def extent(samples: Samples, rate_hz: int) -> tuple[int, int]:
    """Return where the sound in a recording of one word begins and ends, in samples.

    From the loudest frame outwards, as far as the energy of frames smoothed over three stays within
    `EXTENT_DB` of it, and well above the quietest tenth of the recording.
    """
    size = rate_hz * EXTENT_FRAME_MS // 1000
    frames = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    if not len(frames):
        return 0, len(samples)
    energy = np.convolve((frames**2).mean(axis=1), np.ones(3) / 3, "same") + 1.0
    floor = max(energy.max() / 10 ** (EXTENT_DB / 10), 3.0 * np.quantile(energy, 0.1))
    loud = energy >= min(floor, energy.max())
    at = int(energy.argmax())
    # A stop consonant is a silence within the word: gaps of up to 150 ms do not end it.
    gap = max(1, 150 // EXTENT_FRAME_MS)
    first, last = at, at
    for step in range(at, -1, -1):
        first = step if loud[step] else first
        if first - step > gap:
            break
    for step in range(at, len(loud)):
        last = step if loud[step] else last
        if step - last > gap:
            break
    return first * size, (last + 1) * size


def _choose(found: Sequence[Passage], budget_s: float, seed: int, split: Split) -> list[Passage]:
    """Return the wanted ones that `WANTED_SHARE` has room for, and others, well mixed."""
    pause_s = sum(PAUSE_S) / 2 + LONG_PAUSES * sum(LONG_PAUSE_S) / 2

    def order(passage: Passage) -> float:
        return fraction("stream", seed, split, passage.clip.source)

    chosen: list[Passage] = []
    used_s = 0.0
    for wanted, limit_s in ((True, WANTED_SHARE * budget_s), (False, budget_s)):
        for passage in sorted((p for p in found if p.wanted == wanted), key=order):
            if used_s + passage.seconds + pause_s > limit_s:
                break
            chosen.append(passage)
            used_s += passage.seconds + pause_s
    return sorted(chosen, key=order)


def _bed(noise: Noise, split: Split, count: int, rate_hz: int, seed: int) -> Samples:
    """Return int16 (count,) of noise, one after the other, at changing levels."""
    rng = generator("stream noise", seed, split)
    bed = np.zeros(count, np.int16)
    at = 0
    while at < count:
        length = min(round(rng.uniform(*NOISE_S) * rate_hz), count - at)
        part = at_level(noise.excerpt(split, length, rng), rng.uniform(*NOISE_LEVEL_DB))
        bed[at : at + length] = _faded(part, rate_hz)
        at += length
    return bed


def _faded(samples: Samples, rate_hz: int) -> Samples:
    """Return a copy that comes and goes in `FADE_MS`, so that no click betrays the cut."""
    ramp = np.linspace(0.0, 1.0, min(rate_hz * FADE_MS // 1000, len(samples) // 2))
    faded: NDArray[np.float64] = samples.astype(np.float64)
    faded[: len(ramp)] *= ramp
    faded[len(faded) - len(ramp) :] *= ramp[::-1]
    return np.rint(faded).astype(np.int16)


def _event(passage: Passage, speech: Samples, bed: Samples, at: int, rate_hz: int) -> Event:
    clip = passage.clip
    first, last = extent(speech, rate_hz)
    ratio = power(speech[first:last]) / max(power(bed[first:last]), 1e-3)
    return Event(
        start_s=round((at + first) / rate_hz, 3),
        end_s=round((at + last) / rate_hz, 3),
        label=clip.word,
        snr_db=round(10 * math.log10(max(ratio, 1e-9)), 1),
        # A file that stands for its own speaker says nothing of who speaks.
        speaker="" if clip.source.startswith(clip.speaker) else clip.speaker,
    )
