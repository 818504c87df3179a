"""Chains on the cores: the same bytes, fewer instructions, less RAM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import single_op
from elementwise import gru_gates, random_elementwise
from firmware import Case, run

from tinykit.board import CORES
from tinykit.compiler import compile_model, reference

pytestmark = pytest.mark.emulator

ROWS = 3
GRU_LIMIT = 4_430
"""Instructions of the gates of 96 units: 4,345 were measured (6,021 op by op), and 2 %."""


def _cases(models: dict[str, bytes], core: str) -> dict[str, Case]:
    """Return each model with chains, and without: its name and `plain`."""
    return {
        name + suffix: Case(
            compile_model(data, CORES[core], chains=not suffix), single_op.inputs(data, ROWS)
        )
        for name, data in models.items()
        for suffix in ("", " plain")
    }


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m3", "cortex-m4f"])
def test_chains_are_exact_and_cost_nothing(core: str, tmp_path: Path) -> None:
    """Every byte is the reference's, at no more instructions and no more RAM than op by op."""
    models = {f"seed {seed}": random_elementwise(seed) for seed in range(10)}
    cases = _cases(models, core)
    ran = run(cases, tmp_path)
    slower = {}
    for name in models:
        chained, plain = cases[name], cases[f"{name} plain"]
        for row, outputs in enumerate(ran[name].outputs):
            inputs = [values[row] for values in chained.inputs]
            expected, _ = reference.run(chained.model.source_graph, inputs)
            for got, output in zip(outputs, expected, strict=True):
                np.testing.assert_array_equal(got, output, name)
        assert chained.model.plan.total_bytes <= plain.model.plan.total_bytes
        counts = ran[name].instructions, ran[f"{name} plain"].instructions
        if any(new > old for new, old in zip(*counts, strict=True)):
            slower[name] = counts
    assert slower == {}


def test_the_gates_of_a_gru_need_less(tmp_path: Path) -> None:
    """Seven ops on a Cortex-M4F: instructions and arena."""
    cases = _cases({"gru": gru_gates()}, "cortex-m4f")
    ran = run(cases, tmp_path)
    counts = {name: max(ran[name].instructions) for name in cases}
    arenas = {name: case.model.plan.total_bytes for name, case in cases.items()}
    assert counts["gru"] <= GRU_LIMIT < counts["gru plain"], counts
    assert arenas["gru"] < arenas["gru plain"], arenas
