"""Words spoken by flite, whose voices are made from recordings of people.

flite (Black and Lenzo, 4th ISCA Workshop on Speech Synthesis, 2001) is a program of its own, called
by its command line: BSD-like licence, in the Debian package `flite`. Its voices `awb`, `rms` and
`slt` are statistical models of people of the CMU ARCTIC recordings, `kal16` joins diphones of one
more. The same arguments give the same samples.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit import programs
from tinykit.audio import wav
from tinykit.errors import DataError, ToolError

RATE_HZ = 16000
"""Sample rate of the voices used here."""

VOICES = {"awb": 120.0, "rms": 95.0, "slt": 170.0, "kal16": 105.0}
"""Name -> mean pitch in Hz. A Scotsman, an American man, an American woman, an American man."""

_TIMEOUT_S = 60.0  # an utterance takes some 50 ms; only a program that hangs takes this long


@dataclass(frozen=True)
class Utterance:
    """What to say and how.

    Attributes
    ----------
    text : str
    voice : str
        One of `VOICES`.
    pitch_hz, pitch_deviation_hz : float
        Mean and standard deviation of the pitch; `rms` keeps its own.
    stretch : float
        Of all durations: 1.2 is slower by a fifth.
    """

    text: str
    voice: str
    pitch_hz: float
    pitch_deviation_hz: float = 15.0
    stretch: float = 1.0


def installed() -> bool:
    """Return whether there is a flite on the PATH."""
    return shutil.which("flite") is not None


def version() -> str:
    """Return a text that another build of flite would not give: its version, and its size."""
    path = Path(programs.require("flite")).resolve()
    return f"{programs.version(str(path))}, {path.stat().st_size} B"


def say(utterance: Utterance) -> NDArray[np.int16]:
    """Return int16 (samples,) at `RATE_HZ`.

    Raises
    ------
    ToolError
        When flite is missing, fails or writes no recording.
    """
    program = programs.require("flite")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "speech.wav"
        settings = {
            "duration_stretch": utterance.stretch,
            "int_f0_target_mean": utterance.pitch_hz,
            "int_f0_target_stddev": utterance.pitch_deviation_hz,
        }
        command = [program, "-voice", utterance.voice, "-t", utterance.text, "-o", str(out)]
        for key, value in settings.items():
            command += ["--setf", f"{key}={value:.3f}"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise _failed(utterance, f"no answer in {_TIMEOUT_S:.0f} s") from None
        if done.returncode:
            raise _failed(utterance, f"exit code {done.returncode}")
        try:
            return wav.read(out, RATE_HZ)
        except DataError as reason:
            raise _failed(utterance, reason.message) from None


def _failed(utterance: Utterance, reason: str) -> ToolError:
    return ToolError(
        f"flite could not speak `{utterance.text}` as {utterance.voice}: {reason}",
        f"reinstall it: {programs.install('flite')}",
    )
