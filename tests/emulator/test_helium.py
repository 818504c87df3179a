"""The Helium kernels give the reference's bytes on an emulated Cortex-M55."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import helium_cases
import numpy as np
import pytest
import single_op
from firmware import Case, run

from tinykit.board import CORES
from tinykit.compiler import compile_model, reference
from tinykit.compiler.lower import Mode

pytestmark = pytest.mark.emulator

ROWS = 4
HELIUM = helium_cases.cases()
EDGES = single_op.cases()
GROUPS = {
    "conv2d": ("conv2d-",),
    "depthwise": ("depthwise_conv2d-",),
    "fully-connected": ("fully_connected-",),
    "lstm": ("unidirectional_sequence_lstm-",),
    "pools": ("average_pool2d-", "max_pool2d-", "mean-"),
    "binary": ("add-", "sub-", "mul-"),
}
"""What goes into one firmware: the cases whose names start so."""


def _check(models: Mapping[str, bytes], mode: Mode, folder: Path) -> dict[str, str]:
    """Assert that each model gives the reference's outputs; return the kernels that ran."""
    cases = {
        name: Case(compile_model(data, CORES["cortex-m55"], mode), single_op.inputs(data, ROWS))
        for name, data in models.items()
    }
    wrong = []
    for name, ran in run(cases, folder).items():
        for row in range(ROWS):
            inputs = [values[row] for values in cases[name].inputs]
            expected, _ = reference.run(cases[name].model.graph, inputs)
            for got, output in zip(ran.outputs[row], expected, strict=True):
                if not np.array_equal(got, output):
                    wrong.append(f"{name}, input {row}")
    assert not wrong
    return {name: case.model.plan.steps[0].kernel.name for name, case in cases.items()}


@pytest.mark.parametrize("group", [*GROUPS, "look-ups"])
def test_blocks_tails_and_roundings(group: str, tmp_path: Path) -> None:
    """Incomplete blocks, predicated lanes, and accumulators on the halves of every shift."""
    models = {n: data for n, (_, data) in HELIUM.items() if n.startswith(GROUPS.get(group, group))}
    taken = _check(models, "balanced", tmp_path)
    assert taken == {name: HELIUM[name][0] for name in models}


@pytest.mark.parametrize("group", GROUPS)
def test_edge_cases(group: str, tmp_path: Path) -> None:
    """The edge cases that every kernel is held to."""
    _check({n: d for n, d in EDGES.items() if n.startswith(GROUPS[group])}, "speed", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["speed", "size"])
@pytest.mark.parametrize("part", range(4))  # of what one firmware has no room for
def test_every_op_in_other_modes(part: int, mode: Mode, tmp_path: Path) -> None:
    """All ops and the Helium cases, with the compiler's other optimizations."""
    models = EDGES | {name: data for name, (_, data) in HELIUM.items()}
    _check({name: models[name] for name in sorted(models)[part::4]}, mode, tmp_path)
