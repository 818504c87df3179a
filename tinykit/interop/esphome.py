"""ESPHome's `micro_wake_word` manifest, version 2, and the models that belong to it.

The contract of these models (microWakeWord): rows of the TensorFlow Lite Micro front end in, int8
(1, stride, 40); a probability out, uint8 (1, 1); older rows are remembered in resource variables.
ESPHome detects when the mean of the newest `sliding_window_size` outputs is more than
`int(255 * probability_cutoff)`, and ignores the first 100 rows after each start and detection.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from tinykit import paths
from tinykit.audio.decision import Decision
from tinykit.audio.spec import LABELS_KEY, METADATA_KEY, FeatureSpec
from tinykit.compiler.ir import Graph
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import with_metadata
from tinykit.errors import DataError, ModelError

CHANNELS = 40
SILENT_MS = 1000
"""100 rows of 10 ms in which ESPHome detects nothing, at the start and after a detection."""

_SCALE = 26 / 255
_WHERE = "https://esphome.io/components/micro_wake_word"
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Micro(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The table `micro` of a manifest."""

    probability_cutoff: Annotated[float, msgspec.Meta(ge=0, le=1)]
    feature_step_size: Annotated[int, msgspec.Meta(ge=1, le=30)]
    sliding_window_size: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    tensor_arena_size: Annotated[int, msgspec.Meta(ge=1)]
    minimum_esphome_version: Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d+\.\d+$")] = "2024.7.0"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A manifest of version 2; `model` is a path relative to it."""

    type: Literal["micro"] = "micro"
    wake_word: _Text
    author: _Text
    website: str = ""
    model: _Text
    trained_languages: Annotated[list[_Text], msgspec.Meta(min_length=1)]
    version: Literal[2] = 2
    micro: Micro


def read(path: Path) -> tuple[Manifest, bytes]:
    """Read a manifest and the model that it names.

    Raises
    ------
    DataError
        When a file is missing, or the manifest has a wrong, missing or unknown field.
    ModelError
        When the model cannot be read, or does not keep the contract.
    """
    try:
        raw = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        if raw.get("version") != 2:
            raise DataError(
                f"{path}: version is {raw.get('version')!r}",
                "only manifests of version 2 say what front end and window a model needs",
            )
        manifest = msgspec.convert(raw, Manifest)
    except OSError as reason:
        raise DataError(f"{path}: {reason.strerror or reason}") from None
    except msgspec.MsgspecError as reason:
        raise DataError(f"{path}: {reason}", f"fields of a manifest: {_WHERE}") from None
    model = path.parent / manifest.model
    try:
        data = model.read_bytes()
    except OSError as reason:
        hint = "the field `model` is a path relative to the manifest: fetch the .tflite too"
        raise DataError(f"{model}: {reason.strerror or reason}", hint) from None
    check(read_tflite(data, model.name), model.name)
    return manifest, data


def check(graph: Graph, name: str) -> int:
    """Return how many rows a model takes at each inference.

    Raises
    ------
    ModelError
        When it does not keep the contract; says all that is wrong.
    """
    wrong = []
    if (len(graph.inputs), len(graph.outputs)) != (1, 1):
        raise ModelError(
            f"{name}: {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, not one of each",
            "this is no streaming wake word model of ESPHome",
        )
    given, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    if given.dtype != np.int8 or len(given.shape) != 3 or given.shape[::2] != (1, CHANNELS):
        wrong.append(f"its input is {given.dtype} {given.shape}, not int8 (1, stride, {CHANNELS})")
    if given.quantization is None or not _close(float(given.quantization.scale[0]), _SCALE):
        wrong.append(f"the scale of its input is not {_SCALE:.4f}, that of the front end")
    if result.dtype != np.uint8 or result.size != 1:
        wrong.append(f"its output is {result.dtype} {result.shape}, not uint8 (1, 1)")
    if not any(tensor.state for tensor in graph.tensors.values()):
        wrong.append("it keeps no state: ESPHome gives each row once")
    if wrong:
        raise ModelError(f"{name}: {'; '.join(wrong)}", "ESPHome runs streaming models only")
    return int(given.shape[1])


def _close(value: float, wanted: float) -> bool:
    return math.isclose(value, wanted, rel_tol=0.01)


def model(manifest: Manifest, data: bytes) -> bytes:
    """Return the .tflite with its front end and its one class as metadata."""
    spec = FeatureSpec(kind="micro", hop_ms=manifest.micro.feature_step_size)
    labels = json.dumps([manifest.wake_word], ensure_ascii=False).encode()
    return with_metadata(data, {METADATA_KEY: msgspec.json.encode(spec), LABELS_KEY: labels})


def decision(manifest: Manifest) -> Decision:
    """Return the decision that ESPHome would make."""
    return Decision(
        average=manifest.micro.sliding_window_size,
        threshold=int(manifest.micro.probability_cutoff * 255) / 256,
        refractory_ms=SILENT_MS,
        warm_up_ms=SILENT_MS,
    )


def cutoff(decision: Decision, before: float | None = None) -> float:
    """Return the `probability_cutoff` with which ESPHome decides at the same threshold.

    It knows whole steps only: a threshold between two becomes the lower. `before` is returned where
    it gives that step.
    """
    steps = min(255, math.floor(decision.threshold * 256 + 1e-9))
    if before is not None and int(before * 255) == steps:
        return before
    value = math.ceil(steps / 255 * 1e4) / 1e4
    assert int(value * 255) == steps
    return value


def write(folder: Path, stem: str, manifest: Manifest, data: bytes) -> list[Path]:
    """Write `<stem>.tflite` and `<stem>.json` into `folder`; return both paths.

    Raises
    ------
    ModelError
        When ESPHome could not run the model.
    """
    check(read_tflite(data, stem), stem)
    document = msgspec.to_builtins(msgspec.structs.replace(manifest, model=f"{stem}.tflite"))
    if not manifest.website:
        del document["website"]
    tflite, text = folder / f"{stem}.tflite", folder / f"{stem}.json"
    with paths.atomic_path(tflite) as temporary:
        temporary.write_bytes(data)
    paths.write_text(text, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return [tflite, text]
