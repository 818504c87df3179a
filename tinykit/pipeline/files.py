"""The artifacts by name, relative to the project, and the JSON among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from tinykit import paths
from tinykit.errors import DataError

DATA = "build/data.json"
FEATURES = "build/features.npz"
TRAINED = "build/model.keras"
TRAIN = "build/train.json"
COMPRESSED = "build/compressed.keras"
COMPRESS = "build/compress.json"
TFLITE = "build/model.tflite"
VECTORS = "build/vectors.npz"
MIXTURES = "build/mixtures.npz"
QUANTIZE = "build/quantize.json"
DECISION = "build/decision.json"
LISTENING = "build/listening.json"
STREAMS = "build/streams"
HELD_OUT = "build/held_out.json"
SOURCES = "build/c"
PLAN = "build/plan.json"
FIRMWARE = "firmware"
FIRMWARE_MANIFEST = "firmware/.tinykit.json"
ELF = "build/firmware.elf"
BUILD = "build/build.json"
DEVICE = "build/device.json"
ENHANCED = "build/enhanced.npz"
REPORTS = ("build/report.html", "build/report.json", "build/report.md")


def read_json(path: Path) -> dict[str, Any]:
    """Read a manifest.

    Raises
    ------
    DataError
        When it is not a JSON object.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as reason:
        raise DataError(f"{path}: {reason}", "delete it and run the stage again") from None


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a manifest."""
    paths.write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
