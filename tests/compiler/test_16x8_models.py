"""Whole models of int16 activations and int8 weights, as TensorFlow's converter makes them.

`tests/training/sixteen_by_eight.py` made the files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import single_op

from tinykit.board import CORES
from tinykit.compiler import compile_model, reference
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel

FILES = sorted((Path(__file__).parent / "models_16x8").glob("*.tflite"))
ROWS = 4


@pytest.mark.host
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_numpy_and_c_equal_the_interpreter(path: Path) -> None:
    """Every byte of extreme and of random inputs, with the kernels of a core with DSP."""
    data = path.read_bytes()
    compiled = compile_model(data, CORES["cortex-m4f"])
    assert {compiled.graph.tensors[key].dtype for key in compiled.graph.inputs} == {np.dtype("i2")}
    inputs = single_op.inputs(data, ROWS)
    with Golden(data) as golden:
        expected = golden.run_many(inputs)
    with HostModel(compiled) as model:
        for row in range(ROWS):
            given = [values[row] for values in inputs]
            numpy, _ = reference.run(compiled.source_graph, given)
            for one, other, right in zip(numpy, model.run(given), expected, strict=True):
                np.testing.assert_array_equal(one, right[row])
                np.testing.assert_array_equal(other, right[row])


def test_layers_of_real_models_are_summed_in_32_bits() -> None:
    """The bound of the weights' sums lets every layer have the kernels of the core."""
    for path in FILES:
        compiled = compile_model(path.read_bytes(), CORES["cortex-m4f"])
        names = {
            step.kernel.name
            for step in compiled.plan.steps
            if step.op.kind in ("conv2d", "fully_connected")
        }
        assert all(name.endswith("_s16_dsp") for name in names), path.stem
