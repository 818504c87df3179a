"""One's own voice: a few seconds from the computer's microphone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.errors import DataError, ToolError

QUIET_PEAK = 300
"""A peak below this (-41 dB of full scale) is a muted microphone, or nobody spoke."""

FULL_PEAK = 32700
"""A peak above this is overdriven."""


def record(seconds: float, rate_hz: int) -> NDArray[np.int16]:
    """Return int16 (samples,) from the default microphone.

    Raises
    ------
    ToolError
        When the sounddevice package, its library or a microphone is missing.
    """
    library = _library()
    try:
        samples = library.rec(
            round(seconds * rate_hz), samplerate=rate_hz, channels=1, dtype="int16", blocking=True
        )
    except (library.PortAudioError, ValueError) as reason:  # ValueError: no such device
        raise ToolError(
            f"no microphone can be used: {reason}",
            "plug one in, allow its use, or record elsewhere and put the files into the folder",
        ) from None
    taken: NDArray[np.int16] = np.asarray(samples, np.int16)[:, 0]
    return taken


def check(samples: NDArray[np.int16]) -> None:
    """Raise DataError when a recording is of no use: silent, or overdriven."""
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    if peak < QUIET_PEAK:
        raise DataError(
            f"the recording is silent: its peak is {peak} of 32,767",
            "is the microphone muted? Speak nearer to it",
        )
    if peak >= FULL_PEAK:
        raise DataError(
            f"the recording is overdriven: its peak is {peak:,} of 32,767",
            "turn the microphone's gain down, or speak from farther away",
        )


def _library() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as reason:  # OSError: the package is there, PortAudio is not
        raise ToolError(
            f"recording needs the sounddevice package and PortAudio ({reason})",
            'pip install "tinykit[record]" (Debian also: apt-get install libportaudio2)',
        ) from None
    return sounddevice
