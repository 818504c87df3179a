"""Random graphs on emulated cores: what the tools of a core make of odd models is exact, too."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import single_op
from firmware import Case, run
from random_graphs import random_graph

from tinykit.board import CORES
from tinykit.compiler import compile_model, reference
from tinykit.compiler.lower import MODES

pytestmark = [pytest.mark.slow, pytest.mark.emulator, pytest.mark.timeout(1800)]

GRAPHS = 30  # in one firmware
ROWS = 2


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4f", "cortex-m33", "cortex-m55"])
@pytest.mark.parametrize("first", [1000])
def test_graphs(core: str, first: int, tmp_path: Path) -> None:
    """Every output is the reference's, in every mode, and no byte outside an arena is written."""
    cases = {}
    for seed in range(first, first + GRAPHS):
        data = random_graph(random.Random(seed))
        model = compile_model(data, CORES[core], MODES[seed % len(MODES)])
        cases[f"seed {seed}"] = Case(model, single_op.inputs(data, ROWS))
    wrong = []
    for name, ran in run(cases, tmp_path).items():
        for row in range(ROWS):
            inputs = [values[row] for values in cases[name].inputs]
            expected, _ = reference.run(cases[name].model.graph, inputs)
            pairs = zip(ran.outputs[row], expected, strict=True)
            if not all(np.array_equal(got, output) for got, output in pairs):
                wrong.append(f"{name}, input {row}")
    assert not wrong
