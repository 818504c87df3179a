"""How good an enhancer's audio is: before, by the float model, by its twin, by the device."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.errors import DataError
from tinykit.evaluate.enhancement import quality
from tinykit.pipeline.mixtures import Mixtures


def measure(
    chosen: Mixtures,
    host: list[NDArray[np.int16]],
    device: list[NDArray[np.int16]],
    rate_hz: int,
) -> dict[str, Any]:
    """Return `quality` of `device.json`: sound -> measure -> mean; {} where no speech is known.

    Parameters
    ----------
    host, device : lists of int16 (samples,)
        What twin and device made of each mixture, without the delay.

    Returns
    -------
    dict
        Of `noisy`, `float`, `host` and `device`; None for a measure that has no number, as of
        silence.
    """
    if chosen.clean is None or chosen.by_float is None:
        return {}
    sounds = {
        "noisy": list(chosen.noisy),
        "float": list(chosen.by_float),
        "host": host,
        "device": device,
    }
    wanted = list(chosen.clean)
    return {name: _measured(given, wanted, rate_hz) for name, given in sounds.items()}


def _measured(
    given: list[NDArray[np.int16]], wanted: list[NDArray[np.int16]], rate_hz: int
) -> dict[str, float | None]:
    try:
        found = msgspec.to_builtins(quality(given, wanted, rate_hz))
    except DataError as reason:
        raise DataError(
            f"{reason.message} (in mixtures.npz)",
            "leave the pair out of the mixtures, or test without: [test] audio_clips = 0",
        ) from None
    return {
        name: value if value is not None and math.isfinite(value) else None
        for name, value in found.items()
    }
