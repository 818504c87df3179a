from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tinykit.audio import tts
from tinykit.audio.tts import Program
from tinykit.errors import ConfigError, ToolError

SPEAK = """\
import sys, wave
voice, out = sys.argv[1:3]
text = sys.stdin.read().strip()
if voice == "ill":
    sys.exit("no such voice: ill")
if voice != "mute":
    with wave.open(out, "wb") as file:
        file.setnchannels(1); file.setsampwidth(2); file.setframerate(8000)
        file.writeframes((1000 + len(text)).to_bytes(2, "little") * 800)
"""


@pytest.fixture
def command(tmp_path: Path) -> str:
    """A program that says a number for each letter of the text it reads, at 8 kHz."""
    script = tmp_path / "a speaker.py"
    script.write_text(SPEAK)
    return f"{sys.executable} '{script}' {{voice}} {{out}}"


def test_text_goes_in_and_speech_comes_out(command: str) -> None:
    """On stdin and through a file, at the rate asked for."""
    heard = Program(command).say("hello", "anna", 8000)
    np.testing.assert_array_equal(heard, np.full(800, 1005, np.int16))
    pytest.importorskip("scipy")
    assert len(Program(command).say("hello", "anna", 16000)) == 1600


def test_a_text_is_one_argument(tmp_path: Path, command: str) -> None:
    """Quotes and blanks in a text, or a semicolon, are no commands: there is no shell."""
    program = Program(command + " {text}")
    text = 'it\'s; rm -rf "x" {out}'
    assert program.say(text, "anna", 8000)[0] == 1000 + len(text)


@pytest.mark.parametrize(
    ("voice", "says"), [("ill", "exit code 1: no such voice: ill"), ("mute", "no such file|spoke")]
)
def test_a_failure_is_said(command: str, voice: str, says: str) -> None:
    """Its last words, and the command to run oneself."""
    with pytest.raises(ToolError, match=says) as caught:
        Program(command).say("hello", voice, 8000)
    assert voice in caught.value.hint


def test_a_missing_program_is_said() -> None:
    """With its name."""
    with pytest.raises(ToolError, match="no-such-program"):
        Program("no-such-program {out}").say("hello", "anna", 8000)


def test_a_program_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while; the limit is shortened here."""
    monkeypatch.setattr(tts, "TIMEOUT_S", 0.2)
    with pytest.raises(ToolError, match="took more than"):
        Program(f"{sys.executable} -c 'import time; time.sleep(60)' {{out}}").say("a", "b", 8000)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("piper --output x.wav", "has no {out}"),
        ("", "has no {out}"),
        ("piper {out} {speed}", "{speed} stands for nothing"),
        ("piper '{out}", "No closing quotation"),
        ("piper {out", "expected '}'"),
    ],
)
def test_a_wrong_command_is_said_before_it_runs(command: str, says: str) -> None:
    """A template that cannot work is a ConfigError."""
    with pytest.raises(ConfigError, match=says):
        Program(command)
