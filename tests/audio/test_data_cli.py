"""`tinykit data` from the command line, on small data sets of tones."""

from __future__ import annotations

import json
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from sounds import RATE_HZ, tone

from tinykit import scaffold
from tinykit.cli import run as cli


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes over SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def project(tmp_path: Path, words_folder: Path) -> Path:
    """A project on the words folder."""
    folder = scaffold.create(tmp_path / "kw", "keyword-spotting", "mps2-an386", words_folder)
    path = folder / "tinykit.toml"
    text = path.read_text().split("words = ")[0] + 'words = ["go", "stop"]\n'
    path.write_text(text.replace("test_speakers_percent = 10.0", ""))
    return folder


def _json(capfd: pytest.CaptureFixture[str], *words: str) -> dict:
    assert cli.run([*words, "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def test_statistics_of_a_project(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Clips as training is given them, noise and notes included."""
    found = _json(capfd, "data", "stats", "-C", str(project))
    assert found["splits"]["training"]["classes"]["go"]["clips"] == 10
    assert found["splits"]["testing"]["synthetic_share"] == 0.0
    assert found["noise"]["training"] == {"recordings": 2, "seconds": 14.0}


def test_statistics_as_a_table(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A person reads classes by split, and the balance."""
    assert cli.run(["data", "stats", "-C", str(project)]) == 0
    out = capfd.readouterr().out
    assert [line.split()[:4] for line in out.splitlines() if line.startswith("go")] == [
        ["go", "10", "5", "5"]
    ]
    assert "largest class has 5.0 times" in out


def test_a_folder_gets_a_manifest_and_statistics(
    words_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`data manifest` writes down what `data stats` then reads and verifies."""
    made = _json(capfd, "data", "manifest", str(words_folder))
    assert made["rows"] == 62
    path = made["manifest"]
    found = _json(capfd, "data", "stats", path, "--verify")
    assert found["splits"]["validation"]["classes"]["tree"]["clips"] == 5


def test_a_listening_page(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One HTML file in the build folder."""
    pytest.importorskip("scipy")
    found = _json(capfd, "data", "listen", "-C", str(project), "--each", "1")
    assert found["page"] == str(project / "build" / "listen.html")
    assert Path(found["page"]).read_text().count("<audio") > 15


def test_a_folder_without_a_project_is_heard(
    words_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every label is a class."""
    pytest.importorskip("scipy")
    page = tmp_path / "page.html"
    _json(capfd, "data", "listen", str(words_folder), "--each", "1", "-o", str(page))
    assert all(f"<h2>{label}</h2>" in page.read_text() for label in ("go", "stop", "tree"))


def test_a_wake_word_is_synthesized_and_recorded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Synthetic clips and one's own share a folder, and the statistics tell them apart."""
    pytest.importorskip("espeakng_loader")
    pytest.importorskip("scipy")
    folder = tmp_path / "lumen"
    amounts = ("--clips", "20", "--near", "4", "--others", "0", "--phrases", "2")
    found = _json(capfd, "data", "synth", "--word", "hey lumen", "-o", str(folder), *amounts)
    assert len(found["near_misses"]) == 2
    assert found["splits"]["training"]["synthetic_share"] == 1.0

    heard = types.SimpleNamespace(
        rec=lambda frames, **_: tone(300, frames / RATE_HZ)[:, None], PortAudioError=RuntimeError
    )
    monkeypatch.setitem(sys.modules, "sounddevice", heard)
    words = ("--word", "hey lumen", "--speaker", "me", "-o", str(folder), "--count", "2")
    assert len(_json(capfd, "data", "record", *words)["files"]) == 2
    counted = _json(capfd, "data", "stats", str(folder), "--verify")["splits"]["training"]
    mine = counted["classes"]["hey lumen"]
    assert mine["clips"] == 16 and mine["synthetic_share"] == pytest.approx(14 / 16)


def test_a_program_that_speaks_is_checked(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A command without {out} is a usage error."""
    words = ("--word", "go", "-o", str(tmp_path / "x"), "--tts", "piper", "--voice", "a")
    assert cli.run(["data", "synth", *words]) == 2
    assert "{out}" in capfd.readouterr().err
    assert not (tmp_path / "x").exists()


def test_an_empty_folder_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A message and exit code 1, no traceback."""
    assert cli.run(["data", "stats", str(tmp_path)]) == 1
    assert "no recordings" in capfd.readouterr().err
