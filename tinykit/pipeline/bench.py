"""bench: one model measured on one board, by the stages of a project in a temporary folder."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tinykit import board as boards
from tinykit.compiler import compile_model
from tinykit.config import Compile, Config, Test
from tinykit.config import Project as ProjectTable
from tinykit.cycles import Modelled, modelled
from tinykit.errors import MismatchError, ToolError
from tinykit.pipeline import building, files
from tinykit.pipeline.engine import Engine, Observer
from tinykit.pipeline.stages import STAGES
from tinykit.project import Project

HARNESS = "the serial test harness is in none of these figures"

_PLAN = (
    "macs",
    "arena_bytes",
    "state_bytes",
    "scratch_bytes",
    "static_bytes",
    "code_bytes",
    "const_bytes",
)


def bench(
    model: Path,
    board_id: str,
    port: str,
    inputs: int,
    settings: Compile,
    observer: Observer,
) -> dict[str, Any]:
    """Compile, generate, build, flash and test `model` with random inputs.

    With `settings.stream`, an inference is one hop of the streamed model.

    Returns
    -------
    dict
        RAM is `arena + state + scratch + stack + static` bytes, flash is `code + const` bytes. In a
        stream with phases, `macs` are those of the costliest inference, and in place of
        `instructions` (or `us`) there are `phases`, as in plan.json, and `instructions_mean` and
        `instructions_max` of whole periods.
        `exact` tells whether every output byte was the golden interpreter's.

    Raises
    ------
    TinykitError
        What the stages raise, a mismatch excepted.
    """
    plan, device = measure(model, board_id, port, inputs, settings, observer)
    cycles, how = modelled_cycles(model, board_id, settings)
    return {
        "model": model.name,
        "sha256": plan["sha256"],
        "board": device["board"],
        "exact": device["exact"],
        "inputs_tested": device["inputs_tested"],
        **_cost(plan, device),
        "modelled_cycles": cycles.total if cycles else None,
        "modelled_by": how,
        "hop_rows": plan.get("hop_rows"),
        "stack_bytes": device["stack_bytes"],
        "stack_bound_bytes": plan.get("stack_bound_bytes"),
        **{key: plan.get(key) for key in _PLAN},
        "optimize": plan["optimize"],
        "compiler": plan.get("compiler"),
        "emulator": device.get("emulator"),
        "op_costs": device["op_costs"],
        "first_mismatch": device["first_mismatch"],
        "first_diverging_op": device["first_diverging_op"],
        "excluded": HARNESS,
    }


def _cost(plan: dict[str, Any], device: dict[str, Any]) -> dict[str, Any]:
    """Return what an inference costs; with phases, the mean over them and the most."""
    unit = device["unit"]
    if plan.get("phases") is None:
        return {unit: device[unit]}
    mean, most = device[f"{unit}_mean"], device[f"{unit}_max"]
    return {"phases": plan["phases"], f"{unit}_mean": round(mean, 1), f"{unit}_max": most}


def modelled_cycles(model: Path, board_id: str, settings: Compile) -> tuple[Modelled | None, str]:
    """Return what `tinykit.cycles` models for one inference, and how; or None, and why not."""
    board = boards.find(board_id)
    compiled = compile_model(
        model.read_bytes(),
        board.processor,
        settings.optimize,
        stream=settings.stream,
        phases=settings.phases,
        stripes=settings.stripes,
    )
    if compiled.period > 1:
        return None, "not modelled: the inferences of a stream with phases differ"
    try:
        found = modelled(compiled, board)
    except ToolError as error:  # a QEMU without plugins, no compiler for this computer
        return None, f"not modelled: {error.message}"
    if found is None:
        return None, f"not modelled: no published timing for an emulated {board.core}"
    return found, found.method


def measure(
    model: Path,
    board_id: str,
    port: str,
    inputs: int,
    settings: Compile,
    observer: Observer,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Do what `bench` does and return the two manifests that it reads: `plan`, `device`."""
    board = boards.find(board_id)
    table = ProjectTable(name="bench", task="keyword-spotting", board=board_id)
    with tempfile.TemporaryDirectory(prefix="tinykit-bench-") as name:
        config = Config(project=table, compile=settings, test=Test(vectors=inputs))
        project = Project(Path(name), config, board, port)
        project.build.mkdir()
        shutil.copyfile(model, project.path(files.TFLITE))
        exact = contextlib.suppress(MismatchError)  # the result says it
        with building.ended_afterwards(project), exact:
            Engine(STAGES, project, observer).update("test")
        plan = files.read_json(project.path(files.PLAN))
        device = files.read_json(project.path(files.DEVICE))
    return plan, device
