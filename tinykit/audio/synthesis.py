"""Spoken words without a recording: espeak-ng in a process of its own, reproducible bit for bit."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import espeak_worker
from tinykit.audio.espeak_worker import HEADER, OK
from tinykit.errors import ToolError

MOST_WORDS_PER_MINUTE = 320
"""The fastest that still sounds like a person; espeak-ng itself goes up to 450."""

_PACKAGE = "espeakng_loader"
_REPLY_TIMEOUT_S = 30.0  # a word takes milliseconds; only a worker that hangs takes this long


@dataclass(frozen=True)
class Utterance:
    """What to say and how.

    Attributes
    ----------
    text : str
    voice : str
        Name of espeak-ng, `accent+variant`: `en-us+f2`.
    words_per_minute : int
        80 to 450; 160 is calm speech.
    pitch, pitch_range : int
        0 to 99; 50 is the voice's own.
    seed : int
        Of the noise in a breathy voice.
    """

    text: str
    voice: str
    words_per_minute: int = 160
    pitch: int = 50
    pitch_range: int = 50
    seed: int = 0


@dataclass(frozen=True)
class Word:
    """How a word is pronounced.

    Attributes
    ----------
    ipa : tuple of str
        Phonemes in the International Phonetic Alphabet, stress marks before vowels.
    letters : tuple of str
        The same in espeak-ng's own letters, as text in ``[[ ]]`` has them.
    """

    ipa: tuple[str, ...]
    letters: tuple[str, ...]


class Speaker:
    """The worker process; use it in a `with` block.

    The same utterance always gives the same samples, whatever was said before it.

    Raises
    ------
    ToolError
        When espeak-ng is not installed, or the process fails.
    """

    rate_hz: int
    """Sample rate of what `say` returns (22,050 Hz)."""

    def __enter__(self) -> Speaker:
        require()
        self._errors = tempfile.TemporaryFile()  # closed by _stop
        # -P: the folder of the script is no place to import from.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(espeak_worker.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
        )
        try:
            self.rate_hz = int(self._reply("start"))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.kill()  # it holds nothing that must be saved
        self._process.communicate()
        self._errors.close()

    def say(self, utterance: Utterance) -> NDArray[np.int16]:
        """Return int16 (samples,) at `rate_hz`."""
        request = json.dumps(asdict(utterance)).encode() + b"\n"
        try:
            cast(BinaryIO, self._process.stdin).write(request)
        except BrokenPipeError:
            raise self._failed(f"speak `{utterance.text}`", "the process is gone") from None
        samples = self._reply(f"speak `{utterance.text}` as {utterance.voice}")
        return np.frombuffer(samples, "<i2").astype(np.int16)

    def pronounce(self, text: str, voice: str = "en-us") -> list[list[Word]]:
        """Return how `text` is pronounced, clause by clause (commas part them), word by word."""
        request = json.dumps({"phonemes": text, "voice": voice}).encode() + b"\n"
        task = f"pronounce `{text[:40]}` as {voice}"
        try:
            cast(BinaryIO, self._process.stdin).write(request)
        except BrokenPipeError:
            raise self._failed(task, "the process is gone") from None
        return [
            [
                Word(_sounds(ipa), _sounds(own))
                for ipa, own in zip(clause.split(), letters.split(), strict=True)
            ]
            for clause, letters in json.loads(self._reply(task))
        ]

    def _reply(self, task: str) -> bytes:
        status, size = HEADER.unpack(self._read(HEADER.size, task))
        payload = self._read(size, task)
        if status != OK:
            raise self._failed(task, payload.decode(errors="replace"))
        return payload

    def _read(self, count: int, task: str) -> bytes:
        pipe = cast(BinaryIO, self._process.stdout)
        received = bytearray()
        while len(received) < count:
            if not select.select([pipe], [], [], _REPLY_TIMEOUT_S)[0]:
                raise self._failed(task, f"no answer in {_REPLY_TIMEOUT_S:.0f} s")
            block = os.read(pipe.fileno(), count - len(received))
            if not block:
                raise self._failed(task, "the process ended")
            received += block
        return bytes(received)

    def _failed(self, task: str, reason: str) -> ToolError:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        last = f" ({said[-1]})" if said else ""
        return ToolError(
            f"espeak-ng could not {task}: {reason}{last}",
            "reinstall it: pip install --force-reinstall espeakng-loader",
        )


def _sounds(word: str) -> tuple[str, ...]:
    """Part a word; `(en)` says that a foreign voice goes on in English, and is no sound."""
    return tuple(sound for sound in word.split("_") if sound and not sound.startswith("("))


def require() -> None:
    """Raise ToolError when this machine cannot synthesize speech."""
    if importlib.util.find_spec(_PACKAGE) is None:
        raise ToolError(
            "synthetic speech needs the espeakng-loader package (espeak-ng)",
            "pip install 'tinykit[synth]', or use recordings: [data] source = \"speech_commands\"",
        )
    if not hasattr(os, "fork"):
        raise ToolError(
            f"synthetic speech is not reproducible on {sys.platform}: it has no fork()",
            'use Linux, macOS or WSL, or recordings: [data] source = "speech_commands"',
        )


def trim(speech: NDArray[np.int16], threshold: float = 0.01) -> NDArray[np.int16]:
    """Cut off what is quieter than `threshold` of the peak, at both ends."""
    size = np.abs(speech.astype(np.int32))
    loud = np.flatnonzero(size > threshold * size.max(initial=0))
    return speech[loud[0] : loud[-1] + 1] if len(loud) else speech[:0]
