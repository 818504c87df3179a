"""Recurrent layers as nodes: a GRU unrolled into matrix products and curves, an LSTM as one node.

The steps of an unrolled recurrence are tied: every step has the scales, and so the constants and
the code, of the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinykit.quantize.chain import unsupported
from tinykit.quantize.nodes import (
    Binary,
    Constant,
    Curve,
    Float,
    Linear,
    Lstm,
    Node,
    Reshape,
    Slice,
)


def lstm(layer: Any, steps: int, depth: int, source: int, nodes: list[Node]) -> int:
    """Append a `keras.layers.LSTM`; return the number of its output.

    Raises
    ------
    ModelError
        When the layer is not the plain one.
    """
    _check(layer)
    kernel, recurrent, bias = _weights(layer, 4)
    name = layer.name
    nodes.append(Lstm(name, (steps, 1, layer.units), kernel.T, recurrent.T, bias, inputs=(source,)))
    if layer.return_sequences:
        return len(nodes) - 1
    last = Slice(f"{name}_last", (1, 1, layer.units), (steps - 1, 0, 0), inputs=(len(nodes) - 1,))
    nodes.append(last)
    nodes.append(Reshape(f"{name}_state", (layer.units,), inputs=(len(nodes) - 1,)))
    return len(nodes) - 1


def gru(layer: Any, steps: int, depth: int, source: int, nodes: list[Node]) -> int:
    """Append a `keras.layers.GRU`, unrolled; return the number of its output.

    ``z, r = logistic(W x + U h + b); c = tanh(W x + r * (U h + b') + b); h += (1 - z) * (c - h)``
    (Cho et al., arXiv 1406.1078, as cuDNN and Keras's `reset_after` compute it). What depends on x
    alone is one convolution over all steps; the logistic gives 1 - z at once, from negated weights.

    Raises
    ------
    ModelError
        When the layer is not the plain one, or returns every step.
    """
    _check(layer)
    if not layer.reset_after:
        raise unsupported(layer, "reset_after=False, only True is supported")
    if layer.return_sequences:
        raise unsupported(layer, "return_sequences=True: only the last step's output is supported")
    units = layer.units
    kernel, recurrent, biases = _weights(layer, 3)
    sign = np.ones(3 * units, np.float32)
    sign[:units] = -1  # Keras puts z first: -z makes 1 - z
    unroll = _Unrolling(layer.name, units, nodes)
    inputs = unroll.add(
        Linear(
            f"{layer.name}_input",
            (steps, 1, 3 * units),
            "conv2d",
            (kernel * sign).T.reshape(3 * units, 1, 1, depth),
            (biases[0] * sign).astype(np.float32),
            inputs=(source,),
        )
    )
    weights = np.ascontiguousarray((recurrent * sign).T, np.float32)
    bias = (biases[1] * sign).astype(np.float32)
    state = unroll.add(
        Constant(
            f"{layer.name}_start",
            (units,),
            np.zeros(units, np.float32),
            inputs=(),
            tie=f"{layer.name}/state",
        )
    )
    for step in range(steps):
        row = Slice(unroll.at("x", step), (1, 1, 3 * units), (step, 0, 0), inputs=(inputs,))
        x = unroll.add(Reshape(unroll.at("row", step), (3 * units,), inputs=(unroll.add(row),)))
        u = unroll.add(
            Linear(
                unroll.at("recurrent", step),
                (3 * units,),
                "dense",
                weights,
                bias,
                inputs=(state,),
                tie=unroll.tie("recurrent"),
            )
        )
        gates = unroll.binary(
            "add", "gates", step, unroll.part(x, 0, 2, step, "xg"), unroll.part(u, 0, 2, step, "ug")
        )
        gates = unroll.curve("logistic", "open", step, gates)
        reset = unroll.binary(
            "mul",
            "reset",
            step,
            unroll.part(gates, 1, 1, step, "r"),
            unroll.part(u, 2, 1, step, "uc"),
        )
        candidate = unroll.binary("add", "candidate", step, unroll.part(x, 2, 1, step, "xc"), reset)
        candidate = unroll.curve("tanh", "new", step, candidate)
        change = unroll.binary("sub", "change", step, candidate, state)
        change = unroll.binary("mul", "update", step, unroll.part(gates, 0, 1, step, "z"), change)
        state = unroll.binary("add", "state", step, state, change)
    return state


class _Unrolling:
    """The nodes of the steps of one layer."""

    def __init__(self, name: str, units: int, nodes: list[Node]) -> None:
        self.name, self.units, self.nodes = name, units, nodes

    def at(self, what: str, step: int) -> str:
        return f"{self.name}_{what}_{step}"

    def tie(self, what: str) -> str:
        return f"{self.name}/{what}"

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def part(self, source: int, first: int, count: int, step: int, what: str) -> int:
        """Take `count` blocks of `units` values from block `first` on."""
        shape, begin = (count * self.units,), (first * self.units,)
        return self.add(Slice(self.at(what, step), shape, begin, inputs=(source,)))

    def binary(self, kind: str, what: str, step: int, first: int, second: int) -> int:
        shape = self.nodes[first].shape
        return self.add(
            Binary(self.at(what, step), shape, kind, inputs=(first, second), tie=self.tie(what))
        )

    def curve(self, kind: str, what: str, step: int, source: int) -> int:
        shape = self.nodes[source].shape
        return self.add(Curve(self.at(what, step), shape, kind, inputs=(source,)))


def _check(layer: Any) -> None:
    for what, plain in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        if getattr(layer, what).__name__ != plain:
            raise unsupported(layer, f"{what} {getattr(layer, what).__name__!r}, not {plain!r}")
    for what in ("go_backwards", "stateful", "return_state"):
        if getattr(layer, what):
            raise unsupported(layer, f"{what}=True is not supported")


def _weights(layer: Any, gates: int) -> tuple[Float, Float, Float]:
    """Return kernel (depth, gates * units), recurrent kernel and bias; zeros without bias."""
    kernel, recurrent, *bias = layer.get_weights()
    if bias:
        return kernel, recurrent, bias[0]
    shape = (2, gates * layer.units) if gates == 3 else (gates * layer.units,)
    return kernel, recurrent, np.zeros(shape, np.float32)
