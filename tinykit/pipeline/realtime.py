"""How often an enhancer's hop fits into the time that it takes to come in."""

from __future__ import annotations

from typing import Any

from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler import compile_model
from tinykit.cycles.modelled import modelled
from tinykit.errors import ToolError
from tinykit.pipeline import files
from tinykit.project import Project

_ASSUMED = 1.0  # cycles per instruction where no table says more


def real_time(most_per_hop: float, unit: str, spec: StftSpec, project: Project) -> dict[str, Any]:
    """Return how many times faster than real time the costliest hop is, and how that is known.

    Parameters
    ----------
    most_per_hop : float
        What the costliest hop cost, in `unit`: `instructions` or `us`.

    Returns
    -------
    dict
        `factor`, `clock_hz`, `cycles_per_instruction` (None where time was measured), `method`.
    """
    clock_hz = project.board.clock_hz
    method = f"measured on {project.board.id} at {clock_hz / 1e6:g} MHz"
    per_instruction, spent_s = None, most_per_hop * 1e-6
    if unit != "us":
        per_instruction, how = _cycles_per_instruction(project)
        method = f"modelled at {clock_hz / 1e6:g} MHz: {how}"
        spent_s = most_per_hop * per_instruction / clock_hz
    hop_s = spec.hop_samples / spec.sample_rate_hz
    return {
        "factor": hop_s / spent_s if spent_s else None,
        "clock_hz": clock_hz,
        "cycles_per_instruction": per_instruction,
        "method": method,
    }


def _cycles_per_instruction(project: Project) -> tuple[float, str]:
    """Return the cycles that an instruction takes on average, and in words how that is known."""
    settings, board = project.config.compile, project.board
    data = project.path(files.TFLITE).read_bytes()
    compiled = compile_model(data, board.processor, settings.optimize, stripes=settings.stripes)
    try:
        found = modelled(compiled, board)
    except ToolError:  # a QEMU without plugins, no compiler for this computer
        found = None
    if found is None:
        return _ASSUMED, (
            f"instructions as counted, {_ASSUMED:g} cycle each, which is an assumption: there is "
            f"no table of cycles for {board.core} here"
        )
    mean = found.total / sum(found.instructions.values())
    return mean, (
        f"instructions as counted, {mean:.2f} cycles each, which is the model's own mean by Arm's "
        "table for Cortex-M4, without wait states"
    )
