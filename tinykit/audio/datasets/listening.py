"""A page to listen to a data set: samples of each class, and what augmentation makes of one."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from tinykit.audio.datasets.classes import SILENCE
from tinykit.audio.datasets.dataset import Dataset, Samples
from tinykit.audio.datasets.examples import examples
from tinykit.audio.datasets.pictures import HEIGHT, WIDTH, spectrogram
from tinykit.audio.rooms import Response
from tinykit.audio.spec import FeatureSpec
from tinykit.config import Augment, Train
from tinykit.errors import DataError


@dataclass(frozen=True, eq=False)
class Sound:
    """One player on the page: int16 samples, a title, a remark, and whether it is set apart."""

    title: str
    remark: str
    samples: Samples
    faint: bool = False


@dataclass(frozen=True)
class Section:
    """A headline, a line of text, and sounds."""

    title: str
    text: str
    sounds: Sequence[Sound]


def of_classes(dataset: Dataset, each: int) -> list[Section]:
    """Return a section for each class: the first `each` training clips, each of another speaker.

    Speakers are repeated only when there are fewer of them.
    """
    sections = []
    clips = dataset.clips["training"]
    for index, label in enumerate(dataset.labels):
        members = [clip for clip in clips if clip.label == index]
        first = {clip.speaker or clip.source: clip for clip in reversed(members)}
        others = [clip for clip in members if first.get(clip.speaker or clip.source) is not clip]
        chosen = [*reversed(first.values()), *others][:each]
        sounds = [
            Sound(
                clip.word.replace("_", " ").strip(),
                clip.source + (" (synthetic)" if clip.synthetic else ""),
                clip.audio.samples(dataset.clip_samples, dataset.sample_rate_hz),
            )
            for clip in chosen
        ]
        synthetic = sum(clip.synthetic for clip in members)
        text = f"{len(members):,} training clips, {synthetic / max(1, len(members)):.0%} synthetic"
        sections.append(Section(label, text, sounds))
    return sections


def of_augmentation(
    dataset: Dataset, table: Augment, train: Train, spec: FeatureSpec, rooms: Sequence[Response]
) -> Section:
    """Return the section on augmentation: a training clip before and after each of its kinds."""
    spoken = [clip for clip in dataset.clips["training"] if clip.word != SILENCE]
    if not spoken:
        raise DataError("the training split has no clip in which somebody speaks")
    first, second = spoken[0], next((c for c in spoken if c.label != spoken[0].label), spoken[-1])
    before, other = (
        one.audio.samples(dataset.clip_samples, dataset.sample_rate_hz) for one in (first, second)
    )
    sounds = [Sound("before", first.source, before)]
    for example in examples(before, other, dataset.noise, table, train, spec, rooms):
        remark = "" if example.used else "off in this project"
        sounds.append(Sound(example.title, remark, example.samples, not example.used))
    text = (
        "One clip before and after each way of changing it. Masks and mix-up are done to features; "
        "here they are done to the audio."
    )
    if not rooms:
        text += " No room: [augment] room_path names none, and pyroomacoustics is not installed."
    return Section("augmentation", text, sounds)


def page(title: str, subtitle: str, sections: Sequence[Section], rate_hz: int) -> str:
    """Return the page as one HTML text that refers to nothing outside itself."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tinykit.audio.datasets", "."),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("listening.html.j2").render(
        title=title,
        subtitle=subtitle,
        sections=[
            {**vars(section), "sounds": [_player(sound, rate_hz) for sound in section.sounds]}
            for section in sections
        ],
        width=WIDTH,
        height=HEIGHT,
    )


def _player(sound: Sound, rate_hz: int) -> dict[str, Any]:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(sound.samples.astype("<i2").tobytes())
    return {
        "title": sound.title,
        "remark": sound.remark,
        "faint": sound.faint,
        "audio": _inline("audio/wav", file.getvalue()),
        "picture": _inline("image/png", spectrogram(sound.samples)),
    }


def _inline(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
