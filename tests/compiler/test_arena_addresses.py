"""A compiler may lose track of memory that is read and written by multiples of one address."""

from __future__ import annotations

import numpy as np
import pytest

from tinykit.board import CORES
from tinykit.compiler import CompiledModel, compile_model, reference
from tinykit.compiler.host import HostModel
from tinykit.compiler.writer import TfliteWriter

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def channel() -> CompiledModel:
    """Every fourth byte of a tensor that stays alive: input and output lie apart in the arena."""
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 7, 4), np.int8, scale=0.05)
    picked = writer.tensor("picked", (1, 5, 1), np.int8, scale=0.05)
    other = writer.tensor("other", (1, 7, 4), np.int8, scale=0.05)
    begin, size = (writer.constant("p", np.array(v, np.int32)) for v in ([0, 1, 3], [1, 5, 1]))
    writer.op("SLICE", [x, begin, size], [picked], "SliceOptions")
    writer.op("RELU", [x], [other])
    return compile_model(writer.build([x], [picked, other]), CORES["cortex-m3"])


def _is_right(compiled: CompiledModel) -> bool:
    inputs = [np.arange(28, dtype=np.int8).reshape(1, 7, 4)]
    expected, _ = reference.run(compiled.graph, inputs)
    with HostModel(compiled, compiler="gcc") as model:
        return bool(np.array_equal(model.run(inputs)[0], expected[0]))


def test_an_op_is_not_dropped(channel: CompiledModel) -> None:
    """gcc 12 took the copy for a function without effect (see `tk_address`)."""
    assert _is_right(channel)
