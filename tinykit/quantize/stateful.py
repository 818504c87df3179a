"""Layers with a state, one frame of them, as nodes: what is remembered, computed, and kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinykit.quantize.nodes import (
    Binary,
    Concat,
    Curve,
    Float,
    Keep,
    Linear,
    Lstm,
    Node,
    Remember,
    Slice,
)

Image = tuple[int, int, int]  # 1, positions, channels


def history(layer: Any, shape: Image, source: int, nodes: list[Node]) -> int:
    """Append a `History`: the kept frames beside the new one, of which the oldest is dropped."""
    _, positions, channels = shape
    frame = _Frame(layer.name, nodes)
    older = (1, positions, (layer.depth - 1) * channels)
    before = frame.add(Remember(frame.at("before"), older, inputs=(), tie=layer.name))
    shown = (1, positions, layer.depth * channels)
    both = frame.add(Concat(layer.name, shown, inputs=(before, source)))
    newer = frame.add(Slice(frame.at("newer"), older, (0, 0, channels), inputs=(both,)))
    frame.keep(newer, layer.name)
    return both


def gru(layer: Any, shape: Image, source: int, nodes: list[Node]) -> int:
    """Append a `Gru`.

    The logistic gives 1 - z at once, from negated weights: ``h += (1 - z) * (c - h)``. Gates have
    products of their own, so that nothing must be cut apart.
    """
    units = layer.units
    kernel, recurrent, bias = (np.array(w) for w in (layer.kernel, layer.recurrent, layer.bias))
    for weights in (kernel, recurrent, bias):
        weights[..., :units] *= -1.0
    frame = _Frame(layer.name, nodes)
    state_shape = (1, shape[1], units)
    state = frame.add(Remember(frame.at("before"), state_shape, inputs=(), tie=layer.name))

    def gate(index: int) -> tuple[slice, str]:
        return slice(index * units, (index + 1) * units), ("update", "reset", "new")[index]

    def driven(index: int) -> int:
        part, name = gate(index)
        return frame.product(source, f"{name}_input", kernel[..., part], bias[..., part])

    def fed_back(index: int, added: Float) -> int:
        part, name = gate(index)
        return frame.product(state, f"{name}_state", recurrent[..., part], added)

    none = np.zeros_like(np.array(layer.reset_bias))
    update, reset = (
        frame.curve("logistic", frame.binary("add", gate(i)[1], driven(i), fed_back(i, none)))
        for i in (0, 1)
    )
    heard = frame.binary("mul", "heard", reset, fed_back(2, np.array(layer.reset_bias)))
    new = frame.curve("tanh", frame.binary("add", "new", driven(2), heard))
    change = frame.binary("sub", "change", new, state)
    step = frame.binary("mul", "step", update, change)
    after = frame.binary("add", "state", state, step)
    return frame.keep(after, layer.name)


def lstm(layer: Any, shape: Image, source: int, nodes: list[Node]) -> int:
    """Append an `Lstm` of one position, which keeps its own state."""
    weights = [np.array(w)[0] for w in (layer.kernel, layer.recurrent, layer.bias)]
    kernel, recurrent, bias = weights
    nodes.append(
        Lstm(layer.name, (1, 1, layer.units), kernel.T, recurrent.T, bias, inputs=(source,))
    )
    return len(nodes) - 1


class _Frame:
    """The nodes of one layer."""

    def __init__(self, name: str, nodes: list[Node]) -> None:
        self.name, self.nodes = name, nodes

    def at(self, what: str) -> str:
        return f"{self.name}_{what}"

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def keep(self, source: int, tie: str) -> int:
        shape = self.nodes[source].shape
        return self.add(Keep(self.at("kept"), shape, inputs=(source,), tie=tie))

    def binary(self, kind: str, what: str, first: int, second: int) -> int:
        shape = self.nodes[first].shape
        return self.add(Binary(self.at(what), shape, kind, inputs=(first, second)))

    def curve(self, kind: str, source: int) -> int:
        node = self.nodes[source]
        return self.add(Curve(f"{node.name}_{kind}", node.shape, kind, inputs=(source,)))

    def product(self, source: int, what: str, weights: Float, bias: Float) -> int:
        """Multiply each position of `source` by its matrix of (1 or positions, n, m)."""
        _, positions, depth = self.nodes[source].shape
        blocks, _, units = weights.shape
        if blocks == 1:
            return self._matrix(what, source, positions, weights[0], bias[0])
        parts = []
        for block in range(blocks):
            one = Slice(
                f"{self.at(what)}_{block}_of", (1, 1, depth), (0, block, 0), inputs=(source,)
            )
            parts.append(
                self._matrix(f"{what}_{block}", self.add(one), 1, weights[block], bias[block])
            )
        shape = (1, blocks, units)
        return self.add(Concat(self.at(what), shape, inputs=tuple(parts), axis=1))

    def _matrix(self, what: str, source: int, positions: int, weights: Float, bias: Float) -> int:
        depth, units = weights.shape
        filters = np.ascontiguousarray(weights.T).reshape(units, 1, 1, depth)
        shape = (1, positions, units)
        return self.add(Linear(self.at(what), shape, "conv2d", filters, bias, inputs=(source,)))
