"""What TensorFlow's converter makes of Keras models today compiles, byte-exact."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import single_op

from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel

SCRIPT = Path(__file__).with_name("sixteen_by_eight.py")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.host
@pytest.mark.training
def test_fresh_models(tmp_path: Path) -> None:
    """A conv net, a DS-CNN, a dense net, branches and two GRUs, converted anew."""
    subprocess.run([sys.executable, SCRIPT, tmp_path], check=True, timeout=600)
    files = sorted(tmp_path.glob("*.tflite"))
    assert len(files) == 6
    for path in files:
        data = path.read_bytes()
        inputs = single_op.inputs(data, 3)
        with Golden(data) as golden, HostModel(compile_model(data, CORES["cortex-m4f"])) as model:
            expected = golden.run_many(inputs)
            for row in range(3):
                given = [values[row] for values in inputs]
                for got, right in zip(model.run(given), expected, strict=True):
                    np.testing.assert_array_equal(got, right[row], err_msg=path.stem)
