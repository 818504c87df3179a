"""Fixtures of the op tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import single_op

from tinykit.compiler import reference
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite

Agree = Callable[..., None]


@pytest.fixture(scope="session")
def golden() -> Iterator[Golden]:
    """One interpreter process for all op tests; each test loads its model."""
    with Golden(single_op.fully_connected()) as interpreter:
        yield interpreter


@pytest.fixture(scope="session")
def agree(golden: Golden) -> Agree:
    """Assert that numpy and the golden interpreter give the same bytes, state carried over."""

    def check(data: bytes, rows: int = 8, seed: int = 0) -> None:
        graph = read_tflite(data)
        golden.load(data)
        stacked = single_op.inputs(data, rows, seed)
        expected = golden.run_many(stacked)
        states = None
        for row in range(rows):
            outputs, tensors = reference.run(graph, [values[row] for values in stacked], states)
            states = reference.next_states(graph, tensors)
            for output, value in zip(outputs, expected, strict=True):
                assert output.dtype == value.dtype
                np.testing.assert_array_equal(output, value[row], err_msg=f"input {row}")

    return check
