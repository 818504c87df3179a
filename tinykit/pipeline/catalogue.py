"""models: every architecture of every task in every size, as our own compiler costs it on a core.

A network is built untrained, quantized, compiled and linked: weights do not change what it costs
but for a few bytes. Rows are kept in the user's cache until the code that makes them changes.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from tinykit import board as boards
from tinykit import paths, programs
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.stft_spec import StftSpec
from tinykit.board import Board
from tinykit.compiler import compile_model, toolchain
from tinykit.compiler.lower import Mode
from tinykit.config import Data, Model
from tinykit.errors import ModelError
from tinykit.pipeline import fingerprint, training
from tinykit.progress import Progress, silent
from tinykit.search import cost

CODE = ("models", "quantize", "compiler", "kernels", "audio", "search", "config.py", "board.py")
"""What a row depends on, beside the core."""

CLIPS = 8  # of noise, for calibration
FRAMES = 16  # of noise a clip, for an enhancer


def catalogue(
    board_id: str, optimize: Mode = "balanced", progress: Progress = silent
) -> list[dict[str, Any]]:
    """Return one row for each architecture and size, by name and from small to large.

    Returns
    -------
    list of dict
        `task` (what the network is for: "classify" or "enhance"), `architecture`, `size`, `what`
        (its first sentence), `features` (their kind), `input_shape` of an inference, `parameters`,
        `macs`, `flash_bytes` and `ram_bytes` (as `tinykit.search.cost.measure` counts), `note`, and
        `hop_macs`: of one hop where the network can be streamed, else null.

    Raises
    ------
    BoardError
        When there is no such board.
    ToolError
        When a row is not known yet and what trains or compiles is not installed.
    """
    board = boards.find(board_id)
    key = key_of(board)
    file = paths.cache_dir() / "models" / f"{board.processor.name}-{optimize}.json"
    known = _read(file, key)
    if known.get("complete"):
        return list(known["rows"].values())
    wanted = [
        (task, name, size)
        for task, (package, _) in _TASKS.items()
        for name in _module(package).names()
        for size in _module(package).module(name).SIZES
    ]
    rows: dict[str, dict[str, Any]] = known.get("rows", {})
    for number, row in enumerate(wanted):
        progress("models", number, len(wanted))
        if " ".join(row) not in rows:
            rows[" ".join(row)] = _row(*row, board, optimize)
            write(file, key, rows, complete=len(rows) == len(wanted))
    progress("models", len(wanted), len(wanted))
    return list(rows.values())


def key_of(board: Board) -> str:
    """Return the hash of what all rows depend on."""
    return fingerprint.of_value([fingerprint.of_code(CODE), board.processor, _compiler(board)])


def _row(task: str, name: str, size: str, board: Board, optimize: Mode) -> dict[str, Any]:
    package, quantized = _TASKS[task]
    architecture = _module(package).module(name)
    data, folded, about = quantized(architecture, Model(architecture=name, size=size))
    measured = cost.measure(data, board.processor, optimize)
    streamed = measured.macs if task == "enhance" else _hop_macs(data, board, optimize)
    return {
        "task": task,
        "architecture": name,
        "size": size,
        "what": architecture.__doc__.split("\n")[0].rstrip("."),
        **about,
        "parameters": _module("quantize.nodes").parameters(folded),
        "macs": measured.macs,
        "hop_macs": streamed,
        "flash_bytes": measured.flash_bytes,
        "ram_bytes": measured.ram_bytes,
        "note": measured.note,
    }


def _classifier(architecture: Any, model: Model) -> tuple[bytes, Any, dict[str, Any]]:
    """Return the .tflite of the untrained network, its operations, and what it reads."""
    spec = FeatureSpec(**architecture.FEATURES)
    labels = ["_silence_", "_unknown_", *Data().words]
    network = _module("models").build(model, spec, len(labels))
    clips = _noise(spec.frames, spec.width)
    real = _module("train.features").to_real(clips, spec)
    for layer in network.layers:
        if hasattr(layer, "momentum"):
            layer.momentum = 0.0  # averages of this batch; without them signals fade with depth
    network(real, training=True)
    data = _module("quantize.post_training").quantize(network, clips, spec, labels)
    about = {"features": spec.kind, "input_shape": [spec.frames, spec.width]}
    return data, _module("quantize.fold").fold(network), about


def _enhancer(architecture: Any, model: Model) -> tuple[bytes, Any, dict[str, Any]]:
    """Return the .tflite of the untrained network, its operations, and what it reads."""
    spec = StftSpec(**architecture.SPECTRUM)
    network = _module("models.enhancers").build(model, spec)
    enhancement = _module("quantize.enhancement")
    data = enhancement.quantize(network, _noise(FRAMES, spec.bands), spec)
    about = {"features": "bands", "input_shape": [1, spec.bands]}
    return data, enhancement.folded(network), about


_TASKS = {"classify": ("models", _classifier), "enhance": ("models.enhancers", _enhancer)}
"""The package of a task's architectures, and what quantizes one of them."""


def _hop_macs(data: bytes, board: Board, optimize: Mode) -> int | None:
    try:
        return compile_model(data, board.processor, optimize, stream=True).macs
    except ModelError:
        return None


def _noise(frames: int, width: int) -> Any:
    import numpy as np

    shape = (CLIPS, frames, width)
    return np.random.default_rng(0).integers(-90, 90, shape).astype(np.int8)


def _module(name: str) -> Any:
    """Import a part that needs TensorFlow, or say what to install."""
    training.require_installed()
    return importlib.import_module(f"tinykit.{name}")


def _compiler(board: Board) -> str:
    core = board.processor
    return programs.version(toolchain.tool(core, "gcc")) if core.gcc_flags else ""


def _read(file: Path, key: str) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if found["key"] == key and isinstance(found["rows"], dict) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write(file: Path, key: str, rows: dict[str, Any], *, complete: bool) -> None:
    """Keep the rows that are there so far."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"key": key, "complete": complete, "rows": rows}, indent=1)
    paths.write_text(file, text + "\n")
