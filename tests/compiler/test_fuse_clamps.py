"""Rectifiers that only cut off ends become the activation of the layer before them."""

from __future__ import annotations

import numpy as np
import pytest
from test_passes import kinds, same

from tinykit.compiler.ir import Graph
from tinykit.compiler.passes.fuse_clamps import fuse_clamps
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter

ALIKE = (0.05, -3)


class Net:
    """Values of 24 bytes, a dense layer or a sum of two, and what comes behind."""

    def __init__(self, dtype: type = np.int8) -> None:
        self.writer, self.dtype = TfliteWriter(), dtype
        self.inputs = [self.value((0.04, 0)), self.value((0.04, 0))]

    def value(self, quantization: tuple[float, int] = ALIKE) -> int:
        scale, zero_point = quantization
        return self.writer.tensor("t", (1, 24), self.dtype, scale=scale, zero_point=zero_point)

    def dense(self, **options: object) -> int:
        rng = np.random.default_rng(0)
        weights = rng.integers(-127, 128, (24, 24)).astype(np.int8)
        filters = self.writer.constant("w", weights, scale=0.005)
        y, keys = self.value(), [self.inputs[0], filters]
        self.writer.op("FULLY_CONNECTED", keys, [y], "FullyConnectedOptions", **options)
        return y

    def add(self) -> int:
        y = self.value()
        self.writer.op("ADD", self.inputs, [y], "AddOptions")
        return y

    def op(self, builtin: str, *sources: int, to: tuple[float, int] = ALIKE) -> int:
        y = self.value(to)
        self.writer.op(builtin, list(sources), [y])
        return y

    def graph(self, *outputs: int) -> Graph:
        return read_tflite(self.writer.build(self.inputs, outputs))


def fused(graph: Graph) -> Graph:
    """Return the graph after the pass, which computes the same."""
    after = fuse_clamps(graph)
    after.verify()
    same(graph, after)
    return after


@pytest.mark.parametrize(("builtin", "activation"), [("RELU", "relu"), ("RELU6", "relu6")])
@pytest.mark.parametrize("layer", ["dense", "add"])
def test_a_layer_takes_a_rectifier(layer: str, builtin: str, activation: str) -> None:
    """Its own output goes, and it writes the tensor that the rectifier wrote."""
    net = Net()
    y = net.op(builtin, getattr(net, layer)())
    (op,) = fused(net.graph(y)).ops
    assert op.attrs.activation == activation
    assert op.outputs == (y,)


def test_an_extreme_of_a_constant_is_a_rectifier() -> None:
    """MAXIMUM with zero."""
    net = Net()
    zero = net.writer.constant("zero", np.array(-3, np.int8), scale=0.05, zero_point=-3)
    assert kinds(fused(net.graph(net.op("MAXIMUM", net.dense(), zero)))) == ["fully_connected"]


def test_one_clamp_after_the_other() -> None:
    """RELU, then RELU6: the narrower one is left; the other way round, too."""
    for first, second in (("RELU", "RELU6"), ("RELU6", "RELU")):
        net = Net()
        (op,) = fused(net.graph(net.op(second, net.op(first, net.dense())))).ops
        assert op.attrs.activation == "relu6"


def test_a_clamp_that_no_activation_is_stays() -> None:
    """MAXIMUM with a constant other than zero."""
    net = Net()
    one = net.writer.constant("one", np.array(17, np.int8), scale=0.05, zero_point=-3)
    assert len(fused(net.graph(net.op("MAXIMUM", net.dense(), one))).ops) == 2


def test_another_scale_stays() -> None:
    """Values are rounded again then."""
    net = Net()
    assert len(fused(net.graph(net.op("RELU", net.dense(), to=(0.06, -3)))).ops) == 2


def test_a_value_that_others_read_stays() -> None:
    """Another op, or whoever runs the model."""
    net = Net()
    x = net.dense()
    y = net.op("RELU", x)
    assert len(fused(net.graph(y, net.op("TANH", x, to=(1 / 128, 0)))).ops) == 3
    net = Net()
    x = net.dense()
    assert len(fused(net.graph(net.op("RELU", x), x)).ops) == 2
