"""What a report says of an enhancer: quality, cost of a hop, pictures, and audio to listen to."""

from __future__ import annotations

import base64
import io
import wave
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tinykit.errors import DataError
from tinykit.report.charts import spectrogram
from tinykit.report.manifests import Manifest

AUDIO = "enhanced.npz"
"""Beside the manifests: the recordings, before and after."""

_NAMES = {
    "noisy": "noisy, as the device heard it",
    "float": "enhanced by the float model",
    "host": "enhanced by the integer model on this computer",
    "device": "enhanced, as the device returned it",
    "clean": "the speech in it",
}
_SHOWN = ("noisy", "device", "clean")
_MOST_S = 6.0  # of the recording that is shown: the page has it inline
_MEASURES = {
    "si_sdr_db": ("SI-SDR", "{:.2f} dB"),
    "stoi": ("STOI", "{:.3f}"),
    "pesq": ("PESQ", "{:.2f}"),
}
_STEPS = {
    "analysis": "samples to features",
    "model": "model",
    "synthesis": "gains to samples",
}


def values(manifests: dict[str, Manifest], build: Path) -> dict[str, Any] | None:
    """Return the values of the section in the page; None for what is no tested enhancer.

    Raises
    ------
    DataError
        When the recordings beside the manifests cannot be read.
    """
    device = manifests["device"]
    found = device.get("enhancer")
    if not found:
        return None
    recordings = _recordings(build / AUDIO)
    rate_hz = found["sample_rate_hz"]
    count = round(_MOST_S * rate_hz)
    shown = {name: recordings[name][0, :count] for name in _SHOWN if name in recordings}
    return {
        "text": _text(found),
        "rows": facts(device),
        "quality": quality(device),
        "ratios": ratios(manifests["quantize"]),
        "steps": steps(device),
        "picture": spectrogram.draw({_NAMES[name]: one for name, one in shown.items()}, rate_hz),
        "players": [
            {"name": _NAMES[name], "source": _wav(one, rate_hz)} for name, one in shown.items()
        ],
    }


def _text(found: Manifest) -> str:
    seconds = found["samples"] / found["sample_rate_hz"]
    return (
        f"{found['recordings']:,} recordings ({found['recordings_from']}), {seconds:.1f} s, went "
        "to the device over serial. Every sample that came back was compared with the twin's: "
        "numpy around the tflite-micro interpreter."
    )


def facts(device: Manifest) -> list[tuple[str, str]]:
    """Return name and value of what is known of an enhancer beside its quality."""
    found = device.get("enhancer") or {}
    if not found:
        return []
    real = found["real_time"]
    rows = [
        ("recordings that differ", f"{found['mismatches']:,}"),
        ("first difference", found["first_mismatch"] or ""),
        ("algorithmic delay", f"{found['delay_ms']:g} ms, a hop is {found['hop_ms']:g} ms"),
        (
            "stack of the costliest step",
            f"{found['stack_bytes']:,} B" if found["stack_bytes"] else "",
        ),
    ]
    if real["factor"]:
        rows.append(("faster than real time", f"{real['factor']:.1f} times, {real['method']}"))
    if "inferences" in found:
        share = found["inferences"] / max(found["hops"], 1)
        rows.append(
            ("inferences", f"{found['inferences']:,} in {found['hops']:,} hops ({share:.0%})")
        )
    return [(name, value) for name, value in rows if value]


def steps(device: Manifest) -> dict[str, Any]:
    """Return the mean cost of each step of a hop, and of the costliest hop."""
    found, unit = device["enhancer"], device.get("unit", "instructions")
    costs = found[f"{unit}_per_hop"]
    rows = [(name, f"{costs[key]:,.0f}") for key, name in _STEPS.items()]
    rows.append(("the costliest hop", f"{found[f'most_{unit}_per_hop']:,.0f}"))
    return {"unit": "µs" if unit == "us" else unit, "rows": rows}


def quality(device: Manifest) -> dict[str, Any] | None:
    """Return the table of measures; None where the speech in the recordings is not known."""
    found = (device.get("enhancer") or {}).get("quality")
    if not found:
        return None
    known = [key for key in _MEASURES if any(row.get(key) is not None for row in found.values())]
    return {
        "names": [_MEASURES[key][0] for key in known],
        "rows": [
            (said, [_written(key, found[name].get(key)) for key in known])
            for name, said in _NAMES.items()
            if name in found
        ],
    }


def ratios(quantize: Manifest) -> dict[str, Any] | None:
    """Return the measures of every test mixture on the host, by signal-to-noise ratio."""
    found = quantize.get("quality")
    if not found:
        return None
    known = [key for key in _MEASURES if any(row.get(key) is not None for row in found)]
    return {
        "names": ["SNR", "sound", *(_MEASURES[key][0] for key in known)],
        "rows": [
            (
                f"{row['snr_db']:g} dB",
                row["sound"],
                *(_written(key, row.get(key)) for key in known),
            )
            for row in found
        ],
    }


def _written(key: str, value: float | None) -> str:
    return "" if value is None else _MEASURES[key][1].format(value)


def _recordings(path: Path) -> dict[str, NDArray[np.int16]]:
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            return {name: file[name] for name in _SHOWN if name in file}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, EOFError, BadZipFile) as reason:
        raise DataError(
            f"{path}: not recordings: {reason}", "make it again: tinykit test"
        ) from None


def _wav(samples: NDArray[np.int16], rate_hz: int) -> str:
    """Return (samples,) as a .wav in a data URI."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return "data:audio/wav;base64," + base64.b64encode(content.getvalue()).decode()
