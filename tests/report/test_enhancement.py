"""The report of an enhancer: quality, the cost of a hop, pictures and audio in the page itself."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import wave
import zlib
from typing import Any

import numpy as np
import pytest
from report_sample import manifests, write

from tinykit import report
from tinykit.errors import DataError
from tinykit.project import Project
from tinykit.report import enhancement
from tinykit.report.charts import spectrogram

RATE_HZ = 16000


def _enhancer(**changes: Any) -> dict[str, Any]:
    """What the test stage says of an enhancer."""
    return {
        "recordings": 2,
        "samples": 64000,
        "mismatches": 0,
        "first_mismatch": None,
        "recordings_from": "mixtures of speech and noise, held out",
        "hops": 250,
        "instructions_per_hop": {"analysis": 28717.6, "model": 104958, "synthesis": 26000.2},
        "most_instructions_per_hop": 160000,
        "stack_bytes": 336,
        "sample_rate_hz": RATE_HZ,
        "hop_ms": 16.0,
        "delay_ms": 32.0,
        "real_time": {"factor": 2.5, "clock_hz": 25_000_000, "method": "modelled at 25 MHz: so"},
        **changes,
    }


QUALITY = {
    "noisy": {"si_sdr_db": 1.234, "stoi": 0.7, "pesq": None},
    "device": {"si_sdr_db": 9.876, "stoi": 0.8, "pesq": None},
}


def _tone(hz: float, seconds: float = 2.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (10000 * np.sin(2 * np.pi * hz * time)).astype(np.int16)


def _made(made: Project, **changes: Any) -> str:
    """Write a report whose device is an enhancer; return the page."""
    everything = manifests()
    everything["device"]["enhancer"] = _enhancer(**changes)
    write(made, everything)
    recordings = {
        name: np.stack([_tone(hz), _tone(hz)])
        for name, hz in (("noisy", 700), ("device", 1000), ("clean", 2000))
    }
    np.savez(made.build / enhancement.AUDIO, **recordings)
    report.write(made)
    return (made.build / "report.html").read_text()


def test_the_page_shows_quality_and_cost(made: Project) -> None:
    """Each measure that is known, each step of a hop, the delay and the real-time factor."""
    page = _made(made, quality=QUALITY)
    for said in ("1.23 dB", "9.88 dB", "0.800", "28,718", "104,958", "32 ms", "2.5 times"):
        assert said in page, said
    assert "159,676" in page and "instructions for 16 ms of audio" in page
    assert "PESQ" not in page and "SI-SDR, device" in page
    assert "enhanced 4.0 s of audio, every sample as on the host" in page


def test_without_clean_speech_there_is_no_quality(made: Project) -> None:
    """Made sounds have cost and proof, and no measure is invented."""
    page = _made(made)
    assert "SI-SDR" not in page
    assert "104,958" in page


def test_the_page_plays_what_the_device_gave(made: Project) -> None:
    """Each player holds a .wav of the recording, and nothing outside of the page is asked for."""
    page = _made(made)
    sources = re.findall(r'<audio [^>]*src="data:audio/wav;base64,([^"]+)"', page)
    heard = []
    for source in sources:
        with wave.open(io.BytesIO(base64.b64decode(source))) as file:
            assert file.getframerate() == RATE_HZ
            heard.append(np.frombuffer(file.readframes(file.getnframes()), "<i2"))
    assert len(heard) == 3
    np.testing.assert_array_equal(heard[1], _tone(1000))
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_a_difference_is_a_verdict(made: Project) -> None:
    """The tensors are right and the audio is not: both are said."""
    page = _made(made, mismatches=1, first_mismatch="recording 0, sample 7: the device gave 1")
    assert "1 of 2 enhanced recordings differ" in page
    assert "recording 0, sample 7" in page


def test_other_models_have_no_such_section(made: Project) -> None:
    """A keyword spotter's report does not change."""
    report.write(made)
    assert "Enhancement" not in (made.build / "report.html").read_text()
    assert enhancement.values({"device": {}}, made.build) is None


def test_the_mixtures_are_listed_by_their_ratio(made: Project) -> None:
    """All that the quantize stage measured, in page and Markdown; but no empty column."""
    everything = manifests()
    everything["device"]["enhancer"] = _enhancer()
    everything["train"]["epochs"] = [{"loss": 2.0, "validation_loss": 1.5}] * 12
    everything["quantize"]["quality"] = [
        {"snr_db": 5.0, "sound": sound, "si_sdr_db": ratio, "stoi": None, "pesq": 2.5}
        for sound, ratio in (("noisy", 5.01), ("int8", 11.5))
    ]
    write(made, everything)
    report.write(made)
    page = (made.build / "report.html").read_text()
    assert "11.50 dB" in page and "STOI" not in page
    assert "a loss of 1.500 on the validation split" in page
    assert "| 5 dB | int8 | 11.50 dB | 2.50 |" in (made.build / "report.md").read_text()


def test_markdown_has_the_tables(made: Project) -> None:
    """Quality and cost of a hop, as in the page; the skipped inferences, where there are."""
    _made(made, quality=QUALITY, inferences=100)
    text = (made.build / "report.md").read_text()
    assert "| noisy, as the device heard it | 1.23 dB | 0.700 |" in text
    assert "| model | 104,958 |" in text
    assert "- inferences: 100 in 250 hops (40%)" in text
    summary = json.loads((made.build / "report.json").read_text())
    assert summary["manifests"]["device"]["enhancer"]["quality"] == QUALITY


@pytest.mark.parametrize("content", [b"", b"PK no archive"])
def test_damaged_recordings_are_an_error(made: Project, content: bytes) -> None:
    """Named, with what makes them anew."""
    _made(made)
    (made.build / enhancement.AUDIO).write_bytes(content)
    with pytest.raises(DataError, match="not recordings"):
        report.write(made)


def _picture(drawn: str) -> np.ndarray:
    """Read the PNG in a drawing: palette indices (rows, columns)."""
    data = base64.b64decode(re.findall(r"data:image/png;base64,([^\"]+)", drawn)[0])
    at, lines, size = 8, b"", (0, 0)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + content) == struct.unpack(">I", data[at + 8 + length :][:4])[0]
        if kind == b"IHDR":
            size = struct.unpack(">II", content[:8])
        lines += content if kind == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(lines), np.uint8).reshape(size[1], size[0] + 1)
    return rows[:, 1:]


@pytest.mark.parametrize("hz", [500, 3000, 7000])
def test_a_tone_is_a_bright_line_at_its_frequency(hz: int) -> None:
    """Low at the bottom, high at the top; elsewhere it is dark."""
    picture = _picture(spectrogram.draw({"tone": _tone(hz)}, RATE_HZ))
    rows = picture.mean(axis=1)
    assert abs((len(rows) - 1 - int(rows.argmax())) * RATE_HZ / 512 - hz) < 40
    assert np.median(picture) < 20


@pytest.mark.parametrize("count", [0, 1, 511, 700])
def test_short_and_silent_recordings_are_drawn(count: int) -> None:
    """Less than a window, or nothing but zeros: a dark picture, no warning."""
    drawn = spectrogram.draw({"short": np.zeros(count, np.int16)}, RATE_HZ)
    assert not _picture(drawn).any()
