"""Whole 16x8 models give the reference's bytes on emulated cores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import single_op
from firmware import Case, run

from tinykit.board import CORES
from tinykit.compiler import compile_model, reference

pytestmark = pytest.mark.emulator

FILES = sorted((Path(__file__).parent.parent / "compiler" / "models_16x8").glob("*.tflite"))
ROWS = 3


@pytest.mark.parametrize(
    "core", ["cortex-m4f", pytest.param("cortex-m0", marks=pytest.mark.slow), "cortex-m55"]
)
def test_models(core: str, tmp_path: Path) -> None:
    """All of them in one firmware."""
    cases = {
        path.stem: Case(
            compile_model(path.read_bytes(), CORES[core]),
            single_op.inputs(path.read_bytes(), ROWS),
        )
        for path in FILES
    }
    for name, ran in run(cases, tmp_path).items():
        case = cases[name]
        for row in range(ROWS):
            expected, _ = reference.run(case.model.graph, [values[row] for values in case.inputs])
            for got, output in zip(ran.outputs[row], expected, strict=True):
                np.testing.assert_array_equal(got, output, err_msg=f"{name}, input {row}")
