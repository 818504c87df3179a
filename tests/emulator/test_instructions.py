"""What whole public models cost on an emulated Cortex-M4F: exact counts, so that a loss shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from firmware import Case, run

from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.lower import Mode

pytestmark = [pytest.mark.emulator, pytest.mark.public_models]

LIMITS: dict[Mode, dict[str, int]] = {
    "speed": {
        "kws_ref": 3_107_000,
        "ds_cnn_s": 3_107_000,
        "str_ww": 870_000,
        "micro_speech": 543_000,
        "ad01": 247_000,
        "dtln": 352_000,
    },
    "balanced": {
        "kws_ref": 3_150_000,
        "ds_cnn_s": 3_150_000,
        "str_ww": 886_000,
        "micro_speech": 543_000,
        "ad01": 258_000,
        "dtln": 354_000,
    },
}
"""Instructions of one inference: what was measured, and 2% for other versions of gcc."""


def _cases(mode: Mode, models: Path) -> dict[str, Case]:
    """Return the models, with two random inputs each."""
    rng, made = np.random.default_rng(0), {}
    for name in LIMITS[mode]:
        data = (models / f"{name}.tflite").read_bytes()
        model = compile_model(data, CORES["cortex-m4f"], mode)
        shapes = [model.graph.tensors[key].shape for key in model.graph.inputs]
        inputs = [rng.integers(-128, 128, (2, *shape)).astype(np.int8) for shape in shapes]
        made[name] = Case(model, inputs)
    return made


@pytest.mark.parametrize("mode", LIMITS)
def test_public_models_stay_exact_and_fast(mode: Mode, shared_models: Path, tmp_path: Path) -> None:
    """Every byte is the golden interpreter's, at no more instructions than before."""
    cases = _cases(mode, shared_models)
    ran = run(cases, tmp_path)
    for name, case in cases.items():
        with Golden((shared_models / f"{name}.tflite").read_bytes()) as golden:
            for row, outputs in enumerate(ran[name].outputs):
                golden.reset()  # as before each row on the board
                for got, values in zip(
                    outputs, golden.run([values[row] for values in case.inputs]), strict=True
                ):
                    np.testing.assert_array_equal(got, values, err_msg=name)
    most = {name: max(ran[name].instructions) for name in cases}
    assert {name: n for name, n in most.items() if n > LIMITS[mode][name]} == {}, most
