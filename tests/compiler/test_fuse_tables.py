"""Chains of elementwise ops become one table where they are a function of one byte."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from test_passes import kinds, same

from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.compiler.ir import Graph
from tinykit.compiler.passes.drop_unused import drop_unused
from tinykit.compiler.passes.fuse_tables import fuse_tables
from tinykit.compiler.passes.merge_equal import merge_equal
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter

UNIT = (1 / 256, -128)  # of LOGISTIC
TANH = (1 / 128, 0)


class Chain:
    """Elementwise ops on values of one shape, each with its own quantization."""

    def __init__(self, *shape: int) -> None:
        self.writer = TfliteWriter()
        self.shape = shape
        self.x = self.value((0.05, 3))

    def value(self, quantization: tuple[float, int]) -> int:
        scale, zero_point = quantization
        return self.writer.tensor("t", self.shape, np.int8, scale=scale, zero_point=zero_point)

    def constant(self, *values: int) -> int:
        data = np.array(values, np.int8) if len(values) > 1 else np.array(values[0], np.int8)
        return self.writer.constant("c", data, scale=0.02, zero_point=-7)

    def op(self, builtin: str, *sources: int, to: tuple[float, int] = (0.03, -20)) -> int:
        result = self.value(to)
        options = f"{builtin.title()}Options" if builtin in ("ADD", "SUB", "MUL") else ""
        self.writer.op(builtin, sources, [result], options)
        return result

    def graph(self, *outputs: int) -> Graph:
        return read_tflite(self.data(*outputs))

    def data(self, outputs: Sequence[int] | int, *more: int) -> bytes:
        ends = [outputs, *more] if isinstance(outputs, int) else [*outputs, *more]
        return self.writer.build([self.x], ends)


def fused(graph: Graph) -> Graph:
    """Return the graph after the pass, which computes the same."""
    after = drop_unused(fuse_tables(graph))
    same(graph, after)
    return after


def test_a_row_of_functions_is_one_table() -> None:
    """TANH, QUANTIZE, and what adds, subtracts or multiplies a single constant."""
    net = Chain(1, 3, 5)
    y = net.op("QUANTIZE", net.op("TANH", net.x, to=TANH))
    y = net.op("SUB", net.constant(90), y, to=(0.05, 0))
    y = net.op("MUL", net.op("ADD", y, net.constant(30)), net.constant(64))
    assert kinds(fused(net.graph(y))) == ["lookup"]


def test_two_branches_of_one_value_are_one_table() -> None:
    """x * logistic(x), and a square."""
    net = Chain(1, 40)
    gate = net.op("MUL", net.x, net.op("LOGISTIC", net.x, to=UNIT))
    assert kinds(fused(net.graph(net.op("MUL", gate, gate)))) == ["lookup"]


def test_two_values_are_not_one_function() -> None:
    """A product of functions of two tensors stays a product."""
    net = Chain(1, 40)
    other = net.writer.tensor("z", (1, 40), np.int8, scale=0.05)
    y = net.op("MUL", net.op("LOGISTIC", net.x, to=UNIT), other)
    graph = read_tflite(net.writer.build([net.x, other], [y]))
    assert kinds(fused(graph)) == ["logistic", "mul"]


def test_a_constant_for_each_channel_is_not_one_function() -> None:
    """The result depends on where the value stands."""
    net = Chain(1, 2, 3)
    y = net.op("ADD", net.op("RELU", net.x), net.constant(1, 2, 3))
    assert kinds(fused(net.graph(y))) == ["relu", "add"]


def test_what_others_read_is_computed_once() -> None:
    """Two functions of one intermediate value: a table each, but not of what lies before it."""
    net = Chain(1, 40)
    inner = net.op("LOGISTIC", net.x, to=UNIT)
    ends = [net.op("RELU", inner), net.op("QUANTIZE", inner)]
    assert kinds(fused(net.graph(*ends))) == ["logistic", "relu", "quantize"]


def test_outputs_are_still_written() -> None:
    """An intermediate value that is an output stays one."""
    net = Chain(1, 40)
    inner = net.op("LOGISTIC", net.x, to=UNIT)
    assert kinds(fused(net.graph(inner, net.op("RELU", inner)))) == ["logistic", "relu"]


def test_a_broadcast_value_is_left_alone() -> None:
    """One value that fills an image: the result is larger than what it is a function of."""
    net = Chain(1, 1)
    y = net.op("RELU", net.x)
    net.shape = (2, 3)
    same_values = net.writer.constant("c", np.full((2, 3), 9, np.int8), scale=0.02)
    assert kinds(fused(net.graph(net.op("ADD", y, same_values)))) == ["relu", "add"]


def test_requantization_to_the_same_is_nothing() -> None:
    """A QUANTIZE that changes neither scale nor zero point disappears."""
    net = Chain(1, 40)
    y = net.op("QUANTIZE", net.op("RELU", net.x), to=(0.03, -20))
    graph = net.graph(net.op("MUL", y, net.op("TANH", y, to=TANH)))
    after = fused(graph)
    assert "quantize" not in kinds(after)


def test_a_rectifier_of_what_is_never_negative_is_nothing() -> None:
    """RELU behind LOGISTIC changes no byte."""
    net = Chain(1, 40)
    x = net.op("LOGISTIC", net.x, to=UNIT)
    y = net.op("ADD", net.op("RELU", x, to=UNIT), net.x)
    assert kinds(fused(net.graph(y))) == ["lookup"]


@pytest.mark.host
@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4f", "cortex-m55"])
def test_c_of_a_lookup(core: str) -> None:
    """The compiled table gives the bytes of the interpreter's ops."""
    net = Chain(1, 256)
    y = net.op("QUANTIZE", net.op("MUL", net.x, net.op("TANH", net.x, to=TANH), to=(0.04, -9)))
    data = net.data(y)
    x = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    compiled = compile_model(data, CORES[core])
    assert kinds(compiled.graph) == ["lookup"]
    with Golden(data) as golden, HostModel(compiled) as model:
        np.testing.assert_array_equal(model.run([x])[0], golden.run([x])[0])


def test_equal_ops_are_one() -> None:
    """Equal ops on equal inputs, constants too, are computed once; unequal ones are not."""
    net = Chain(1, 2, 3)
    pair = [net.op("ADD", net.x, net.constant(1, 2, 3)) for _ in range(2)]
    y = net.op("MUL", *pair)
    z = net.op("MUL", y, net.op("ADD", net.x, net.constant(1, 2, 3), to=(0.04, 0)))
    graph = net.graph(z)
    after = drop_unused(merge_equal(graph))
    assert kinds(after) == ["add", "mul", "add", "mul"]
    same(graph, after)


def test_equal_outputs_are_both_written() -> None:
    """Two outputs of the model are two, however equal."""
    net = Chain(1, 2, 3)
    graph = net.graph(*(net.op("TANH", net.x, to=TANH) for _ in range(2)))
    assert kinds(merge_equal(graph)) == ["tanh", "tanh"]
