"""Fixtures of the kernel tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import single_op

from tinykit.board import CORES
from tinykit.compiler import compile_model, reference
from tinykit.compiler.host import HostModel
from tinykit.compiler.lower import Mode

Exact = Callable[..., None]


@pytest.fixture(scope="session")
def exact() -> Exact:
    """Assert that a model's C gives the numpy reference's bytes, op by op."""

    def check(
        data: bytes,
        *,
        rows: int = 5,
        seed: int = 0,
        core: str = "cortex-m3",
        optimize: Mode = "speed",
        sanitize: bool = False,
    ) -> None:
        compiled = compile_model(data, CORES[core], optimize)
        stacked = single_op.inputs(data, rows, seed)
        samples = [[values[row] for values in stacked] for row in range(rows)]
        states, outputs = None, []
        with HostModel(compiled, sanitize=sanitize) as model:
            for row, inputs in enumerate(samples):
                expected, tensors = reference.run(compiled.graph, inputs, states)
                states = reference.next_states(compiled.graph, tensors)
                outputs.append(expected)
                trace = iter(model.trace(inputs))
                for op in compiled.graph.ops:
                    for key in op.outputs:
                        index, data_out = next(trace)
                        assert index == op.index
                        assert data_out == tensors[key].tobytes(), f"{op}, input {row}"
            model.reset()  # and all over again, from the first state on
            for inputs, expected in zip(samples, outputs, strict=True):
                for output, value in zip(model.run(inputs), expected, strict=True):
                    np.testing.assert_array_equal(output, value)

    return check
