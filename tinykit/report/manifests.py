"""The JSON files that the stages leave in `build/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tinykit.errors import DataError

Manifest = dict[str, Any]

STAGES = {
    "data": "train",
    "train": "train",
    "compress": "compress",
    "quantize": "quantize",
    "plan": "compile",
    "build": "build",
    "device": "test",
    "listening": "evaluate",
    "held_out": "fit",
}
"""Name of the manifest -> the stage that writes it."""


def read(build: Path) -> dict[str, Manifest]:
    """Read every manifest in `build`; one that is not there is empty.

    Raises
    ------
    DataError
        When one is not JSON, or not an object.
    """
    return {name: _read(build / f"{name}.json", stage) for name, stage in STAGES.items()}


def seconds(build: Path) -> dict[str, float]:
    """Return how long each stage took when it last ran."""
    records = _read(build / "stages.json", "run")
    return {name: record.get("seconds", 0.0) for name, record in records.items()}


def _read(path: Path, stage: str) -> Manifest:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as reason:
        raise DataError(f"{path}: {reason}", f"make it again: tinykit {stage}") from None
