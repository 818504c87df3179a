"""Any program that speaks, by a command line: text on stdin, a .wav file out.

The command is a template; it is run without a shell. `{out}` stands for the file to write and must
be there; `{voice}` for one of the voices; `{text}` for the text, where the program does not read
it from stdin::

    piper --model {voice}.onnx --output_file {out}
"""

from __future__ import annotations

import shlex
import string
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import wav
from tinykit.errors import ConfigError, DataError, ToolError

TIMEOUT_S = 120.0
"""For one utterance, the loading of a large voice included."""

_FIELDS = {"out", "voice", "text"}


@dataclass(frozen=True)
class Program:
    """A program that speaks.

    Attributes
    ----------
    command : str
        The template.
    """

    command: str

    @property
    def name(self) -> str:
        """The program's name."""
        return Path(self._words[0]).name

    def __post_init__(self) -> None:
        try:
            fields = {name for _, name, _, _ in string.Formatter().parse(self.command) if name}
            words = self._words
        except ValueError as reason:
            raise ConfigError(f"[synth] command: `{self.command}`: {reason}") from None
        if not words or "out" not in fields:
            raise ConfigError(
                f"[synth] command: `{self.command}` has no {{out}}",
                "say where the .wav goes: piper --model {voice}.onnx --output_file {out}",
            )
        if fields - _FIELDS:
            unknown = sorted(fields - _FIELDS)[0]
            raise ConfigError(
                f"[synth] command: {{{unknown}}} stands for nothing",
                f"there are {', '.join(f'{{{name}}}' for name in sorted(_FIELDS))}",
            )

    @property
    def _words(self) -> list[str]:
        return shlex.split(self.command)

    def say(self, text: str, voice: str, rate_hz: int) -> NDArray[np.int16]:
        """Return `text` as the program speaks it, int16 (samples,) at `rate_hz`.

        Raises
        ------
        ToolError
            When the program is missing, fails, takes too long or writes no recording.
        """
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "speech.wav"
            # Field by field, after the words are parted: a text with quotes stays one argument.
            values = {"out": str(out), "voice": voice, "text": text}
            words = [word.format(**values) for word in self._words]
            self._run(words, text)
            try:
                return wav.read(out, rate_hz)
            except DataError as reason:
                raise ToolError(
                    f"{self.name} spoke `{text}` as `{voice}`, but: {reason.message}",
                    f"run it yourself: {shlex.join(words)}",
                ) from None

    def _run(self, words: list[str], text: str) -> None:
        try:
            done = subprocess.run(
                words, input=text.encode() + b"\n", capture_output=True, timeout=TIMEOUT_S
            )
        except subprocess.TimeoutExpired:
            raise ToolError(f"{self.name} took more than {TIMEOUT_S:.0f} s for `{text}`") from None
        except OSError as reason:
            raise ToolError(
                f"{words[0]}: {reason.strerror or reason}", "correct [synth] command, or install it"
            ) from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            last = f": {said[-1]}" if said else ""
            raise ToolError(
                f"{self.name} failed with exit code {done.returncode}{last}",
                f"run it yourself: {shlex.join(words)}",
            )
