from __future__ import annotations

import base64
import io
import re
import struct
import wave
import zlib
from pathlib import Path

import numpy as np
import pytest
from sounds import tone

from tinykit.audio import datasets
from tinykit.audio.datasets import listening, pictures
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.datasets.examples import examples
from tinykit.audio.spec import FeatureSpec
from tinykit.config import Augment, Data, Train

SPEC = FeatureSpec()
ROOM = np.concatenate([[1.0], np.zeros(999), [0.7]])

pytest.importorskip("scipy")


@pytest.fixture
def dataset(words_folder: Path) -> Dataset:
    """Four classes of tones."""
    data = Data(source="speech_commands", path=str(words_folder), words=["stop", "go"])
    return datasets.load(data, SPEC)


def _page(dataset: Dataset) -> str:
    sections = [
        *listening.of_classes(dataset, 3),
        listening.of_augmentation(dataset, Augment(), Train(), SPEC, [ROOM]),
    ]
    return listening.page("a <b>", "x", sections, dataset.sample_rate_hz)


def test_the_page_stands_alone(dataset: Dataset) -> None:
    """No address but those of its own data; names are escaped."""
    page = _page(dataset)
    assert not re.search(r'(src|href)="(?!data:)', page) and "http" not in page
    assert "a &lt;b&gt;" in page and "<b>," not in page


def test_the_players_hold_the_clips(dataset: Dataset) -> None:
    """The sound behind a picture is the clip, sample for sample."""
    players = re.findall(r'data:audio/wav;base64,([^"]*)"', _page(dataset))
    with wave.open(io.BytesIO(base64.b64decode(players[0]))) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert file.getframerate() == 16000
    first = next(clip for clip in dataset.clips["training"] if clip.label == 0)
    np.testing.assert_array_equal(heard, first.audio.samples(16000, 16000))


def test_every_class_is_heard_by_different_speakers(dataset: Dataset) -> None:
    """A class has as many samples as asked for, of as many people."""
    for section in listening.of_classes(dataset, 3)[2:]:
        assert len({sound.remark for sound in section.sounds}) == 3
        assert "10 training clips, 0% synthetic" in section.text


def test_every_augmentation_is_heard(dataset: Dataset) -> None:
    """Each changes the clip; what the project does not do is set apart."""
    clip = tone(500, 0.4)
    clip = np.pad(clip, (4800, 4800))
    found = list(
        examples(clip, np.roll(clip, 999), dataset.noise, Augment(), Train(), SPEC, [ROOM])
    )
    assert all((one.samples != clip).any() and len(one.samples) == 16000 for one in found)
    said = " ".join(one.title for one in found)
    for word in ("speed", "pitch", "room", "moved", "SNR", "gain", "time mask", "frequency", "mix"):
        assert word in said
    used = {one.title for one in found if one.used}
    assert any("SNR" in title for title in used) and not any("speed" in title for title in used)


def test_without_rooms_the_page_says_so(dataset: Dataset) -> None:
    """No response at hand: no player, and the reason."""
    section = listening.of_augmentation(dataset, Augment(), Train(), SPEC, [])
    assert "No room" in section.text and not any("room" in s.title for s in section.sounds)


def test_a_spectrogram_shows_the_frequency() -> None:
    """The brightest line of a tone is where its frequency is; silence is black."""
    data = pictures.spectrogram(tone(2000))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack_from(">II", data, 16)
    start = data.index(b"IDAT") + 4
    size = struct.unpack_from(">I", data, start - 8)[0]
    lines = np.frombuffer(zlib.decompress(data[start : start + size]), np.uint8)
    pixels = lines.reshape(height, width + 1)[:, 1:]
    assert abs(int(pixels[:, 80].argmax()) - (height - 1 - 2000 * height // 8000)) <= 1
    assert pixels[:, 80].max() > 230
    silent = pictures.spectrogram(np.zeros(16000, np.int16))
    assert len(silent) < len(data)
