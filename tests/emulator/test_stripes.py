"""Striped chains on the cores: the kernels of each, called for a few rows, give the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import single_op
from firmware import Case, run
from image_network import ImageNetwork
from time_network import SAME

from tinykit.board import CORES
from tinykit.compiler import compile_model, reference

pytestmark = pytest.mark.emulator


def _networks() -> dict[str, bytes]:
    """Return a chain with a branch, and one for each way in which it can end in sums."""
    image = (1, 16, 12, 4)
    return {
        "block": ImageNetwork(image).conv(16, (3, 3), padding=SAME).block(16, 2).build(),
        "dense": ImageNetwork(image).conv(8, (5, 3), padding=SAME).dense(5).build(),
        "mean": ImageNetwork(image).conv(12, (3, 3), padding=SAME).separable(20).mean(1, 2).build(),
        "pool": ImageNetwork(image)
        .conv(8, (3, 3), padding=SAME)
        .separable(16, 2)
        .pool("AVERAGE_POOL_2D", (8, 6))
        .build(),
    }


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4f", "cortex-m55"])
def test_stripes_are_exact_on_every_kind_of_core(core: str, tmp_path: Path) -> None:
    """Portable, DSP and Helium kernels: every chain is striped, no byte differs."""
    cases = {
        name: Case(
            compile_model(data, CORES[core], "size", stripes="most"), single_op.inputs(data, 3)
        )
        for name, data in _networks().items()
    }
    for name, ran in run(cases, tmp_path).items():
        case = cases[name]
        assert "stripes" in {op.kind for op in case.model.graph.ops}, name
        for row, outputs in enumerate(ran.outputs):
            inputs = [values[row] for values in case.inputs]
            expected, _ = reference.run(case.model.source_graph, inputs)
            np.testing.assert_array_equal(outputs[0].reshape(-1), expected[0].reshape(-1), name)


@pytest.mark.parametrize(
    ("network", "kernel"), [("dense", "matrix_sums_s8_helium"), ("mean", "channel_sums_s8_helium")]
)
def test_sums_are_made_four_at_a_time(network: str, kernel: str) -> None:
    """The core with Helium adds up with it, what a reduction needs of each stripe as well."""
    model = compile_model(_networks()[network], CORES["cortex-m55"], stripes="most")
    used = {part.name for step in model.plan.steps for part in step.kernel.parts}
    assert kernel in used
