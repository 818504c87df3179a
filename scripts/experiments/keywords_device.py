"""The networks of `keywords.py` on the board: every validation clip, whole and as a stream.

The streamed model (`compile --stream`) gets the rows of all clips one after the other and is never
reset, as on a device that listens; its answer to a clip is the output after the clip's last row.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit import board as boards
from tinykit import paths
from tinykit.compiler import CompiledModel, compile_model
from tinykit.compiler.host import HostModel
from tinykit.config import Compile, Config, Test
from tinykit.config import Project as ProjectTable
from tinykit.device.result import Spread
from tinykit.errors import ModelError
from tinykit.pipeline import building, files
from tinykit.pipeline.engine import Engine, Observer
from tinykit.pipeline.stages import STAGES
from tinykit.pipeline.talking import client
from tinykit.progress import silent
from tinykit.project import Project
from tinykit.quantize import golden

STREAMED = 100
"""Clips that the device hears as a stream; the host hears all."""


def measure(tflite: Path, x: NDArray[np.int8], y: NDArray[np.int32], board: str) -> dict[str, Any]:
    """Return what one model gives and costs, on the host and on the device.

    Parameters
    ----------
    x : (N, frames, width)
    y : (N,)
    """
    data = tflite.read_bytes()
    answers = golden.outputs(data, x)
    found = {"clips": len(x), "int8": _accuracy(answers, y)} | _whole(data, x, answers, y, board)
    try:
        compiled = compile_model(data, boards.find(board).processor, stream=True)
    except ModelError as reason:
        return {**found, "stream": {"refused": reason.message}}
    return {**found, "stream": _stream(data, compiled, x, answers, y, board)}


def _accuracy(answers: NDArray[Any], y: NDArray[np.int32]) -> float:
    return float((answers.argmax(axis=1) == y).mean())


class _Quiet(Observer):
    """An observer that draws nothing."""

    def started(self, stage: Any, why: str) -> Any:
        return silent


def _project(folder: str, data: bytes, board: str, settings: Compile) -> Project:
    table = ProjectTable(name="keywords", task="keyword-spotting", board=board)
    config = Config(project=table, compile=settings, test=Test(vectors=0, audio_clips=0))
    project = Project(Path(folder), config, boards.find(board))
    project.build.mkdir()
    paths.write_bytes(project.path(files.TFLITE), data)
    return project


def _whole(
    data: bytes,
    x: NDArray[np.int8],
    answers: NDArray[np.int8],
    y: NDArray[np.int32],
    board: str,
) -> dict[str, Any]:
    """Run every clip through `tinykit test`; raises MismatchError where a byte differs."""
    with tempfile.TemporaryDirectory(prefix="tinykit-keywords-") as folder:
        project = _project(folder, data, board, Compile())
        np.savez(project.path(files.VECTORS), x=x[..., None], y=answers, labels=y)
        with building.ended_afterwards(project):
            Engine(STAGES, project, _Quiet()).update("test")
        found = files.read_json(project.path(files.DEVICE))
        plan = files.read_json(project.path(files.PLAN))
    return {
        "device": found["accuracy"],
        "exact": found["exact"],
        "instructions": found["instructions"],
        "flash_bytes": plan["code_bytes"] + plan["const_bytes"],
        "ram_bytes": _ram_bytes(plan) + found["stack_bytes"],
        "emulator": found["emulator"],
    }


def _stream(
    data: bytes,
    compiled: CompiledModel,
    x: NDArray[np.int8],
    answers: NDArray[np.int8],
    y: NDArray[np.int32],
    board: str,
) -> dict[str, Any]:
    assert compiled.stream is not None
    shape = compiled.graph.tensors[compiled.graph.inputs[0]].shape
    # A first row more where the hop does not divide the clip: it has left the window at the end.
    missing = -x.shape[1] % compiled.stream.hop_rows
    rows = np.pad(x, ((0, 0), (missing, 0), (0, 0)), mode="edge")
    hops = rows.reshape(len(x), -1, *shape)  # (clips, hops of a clip, ...)
    with HostModel(compiled) as model:
        host = np.stack([[model.run([hop])[0].reshape(-1) for hop in clip][-1] for clip in hops])
    costs, made = [], []
    with tempfile.TemporaryDirectory(prefix="tinykit-keywords-") as folder:
        project = _project(folder, data, board, Compile(stream=True))
        with building.ended_afterwards(project):
            Engine(STAGES, project, _Quiet()).update("flash")
            with client(project) as device:
                hello = device.hello()
                for clip in hops[:STREAMED]:
                    for hop in clip:
                        ran = device.infer([hop])
                        costs.append(hello.cost(ran.ticks, ran.overhead_ticks))
                    made.append(ran.outputs[0])
        plan = files.read_json(project.path(files.PLAN))
    return {
        "int8": _accuracy(host, y),
        "exact": bool(np.array_equal(host, answers) and np.array_equal(made, answers[: len(made)])),
        "hop_rows": compiled.stream.hop_rows,
        "hops": len(costs),
        "instructions": Spread.of(costs).median,
        "macs": compiled.macs,
        "ram_bytes": _ram_bytes(plan),
    }


def _ram_bytes(plan: dict[str, Any]) -> int:
    """Return all RAM but the stack."""
    return sum(plan[f"{part}_bytes"] for part in ("arena", "scratch", "state", "static"))
