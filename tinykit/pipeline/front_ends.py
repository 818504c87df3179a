"""features bench: what a front end costs on a board, by firmware that has hardly a model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tinykit import board as boards
from tinykit import paths
from tinykit.audio import frontend
from tinykit.audio.spec import METADATA_KEY, FeatureSpec
from tinykit.compiler.writer import TfliteWriter
from tinykit.config import Compile, Config
from tinykit.config import Project as ProjectTable
from tinykit.pipeline import building, files, hearing
from tinykit.pipeline.engine import Engine, Observer
from tinykit.pipeline.stages import STAGES
from tinykit.pipeline.talking import client
from tinykit.project import Project


def bench(
    spec: FeatureSpec, board_id: str, port: str, settings: Compile, observer: Observer
) -> dict[str, Any]:
    """Build, flash and measure the front end `spec` on a board.

    One clip of noise, from digital silence to clipping, goes through it over serial.

    Returns
    -------
    dict
        `<unit>_per_hop` (mean over the clip), `<unit>_per_second`, bytes of flash and RAM, and
        `exact`: whether every row was the numpy front end's.

    Raises
    ------
    TinykitError
        What the stages raise.
    """
    board = boards.find(board_id)
    table = ProjectTable(name="features", task="keyword-spotting", board=board_id)
    audio = hearing.noise(spec.clip_samples)
    with tempfile.TemporaryDirectory(prefix="tinykit-features-") as name:
        project = Project(Path(name), Config(project=table, compile=settings), board, port)
        project.build.mkdir()
        paths.write_bytes(project.path(files.TFLITE), _model(spec))
        with building.ended_afterwards(project):
            Engine(STAGES, project, observer).update("flash")
            with client(project) as device:
                hello = device.hello()
                rows = device.features(audio)
                cost = device.features_cost()
        size = files.read_json(project.path(files.PLAN))["front_end"] or {}
    per_hop = hello.cost(cost.ticks, cost.overhead_ticks * cost.calls) / cost.rows
    return {
        "kind": spec.kind,
        "board": board.id,
        "window_ms": spec.window_ms,
        "hop_ms": spec.hop_ms,
        "width": spec.width,
        "exact": bool(np.array_equal(rows, frontend.features(audio, spec))),
        f"{hello.unit}_per_hop": round(per_hop),
        f"{hello.unit}_per_second": round(per_hop * 1000 / spec.hop_ms),
        **size,
        "stack_bytes": cost.stack_bytes,
    }


def _model(spec: FeatureSpec) -> bytes:
    """Return the least model that takes the front end's rows: their mean."""
    writer = TfliteWriter()
    steps: dict[str, Any] = {"scale": spec.scale, "zero_point": spec.zero_point}
    x = writer.tensor("rows", (1, spec.frames, spec.width, 1), np.int8, **steps)
    y = writer.tensor("mean", (1, 1), np.int8, **steps)
    axes = writer.constant("axes", np.array([1, 2], np.int32))
    writer.op("MEAN", [x, axes], [y], "ReducerOptions")
    writer.metadata({METADATA_KEY: msgspec.json.encode(spec)})
    return writer.build([x], [y])
