"""How often an enhancer's hop fits into the time that it takes to come in."""

from __future__ import annotations

from typing import Any

from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler import compile_model
from tinykit.cycles import Modelled, modelled
from tinykit.errors import ToolError
from tinykit.pipeline import files
from tinykit.project import Project

_ASSUMED = 1.0
"""Cycles an instruction where nothing is known; at the least, where only the model is modelled."""


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
        per_instruction, how = cycles_per_instruction(most_per_hop, _of_the_model(project))
        method = f"modelled at {clock_hz / 1e6:g} MHz: {how}"
        spent_s = most_per_hop * per_instruction / clock_hz
    hop_s = spec.hop_samples / spec.sample_rate_hz
    return {
        "factor": hop_s / spent_s if spent_s else None,
        "clock_hz": clock_hz,
        "cycles_per_instruction": per_instruction,
        "method": method,
    }


def cycles_per_instruction(instructions: float, model: Modelled | None) -> tuple[float, str]:
    """Return the cycles that an instruction of a hop takes on average, and how that is known.

    Parameters
    ----------
    instructions : float
        Of the whole hop; those of the model, one inference, are among them.
    """
    if model is None or not instructions:
        return _ASSUMED, (
            f"instructions as counted, {_ASSUMED:g} cycle each, which is an assumption: nothing is "
            "modelled for this board here"
        )
    of_model, others = model.per_instruction, max(model.per_instruction, _ASSUMED)
    rest = max(instructions - sum(model.instructions.values()), 0)
    spent = (instructions - rest) * of_model + rest * others
    return spent / instructions, (
        f"instructions as counted, {of_model:.2f} cycles for each of the model ({model.method}) "
        f"and {others:.2f} for each around it, which is an assumption"
    )


def _of_the_model(project: Project) -> Modelled | None:
    """Return the modelled cycles of one inference, where its core and the tools allow it."""
    settings, board = project.config.compile, project.board
    data = project.path(files.TFLITE).read_bytes()
    compiled = compile_model(data, board.processor, settings.optimize, stripes=settings.stripes)
    try:
        return modelled(compiled, board)
    except ToolError:  # a QEMU without plugins, no compiler for this computer
        return None
