"""TRANSPOSE_CONV: every input pixel adds a patch to a larger output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _linear, _window


@dataclass(frozen=True)
class TransposeConv:
    """The window, sliding over the output, whose steps are the pixels of the input.

    Inputs: image (1, H, W, C); filter (out_c, height, width, C), one scale or one per output
    channel; bias int32 (out_c,) or None.
    """

    window: _window.Window
    activation: str


class _Rule(OpRule):
    kind, builtin, options = "transpose_conv", "TRANSPOSE_CONV", "TransposeConvOptions"
    operands = (2, 1, 3)  # the shape, input 0, is that of the output

    def parse(self, options: Any, graph: Graph, op: Op) -> TransposeConv:
        _legal.arity(op, 3, 4)
        weights = _legal.tensor(graph, op, 1, "filter")
        _legal.rank(op, weights, 4, "filter")
        result = graph.tensors[op.outputs[0]]
        size = (weights.shape[1], weights.shape[2])
        window = _window.parse_window(op, options, result, size)
        return TransposeConv(window, _window.parse_activation(op, options))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.activation(graph, op)  # of int8
        image, weights, result = _linear.check(graph, op, rank=4, axis=0)
        window = op.attrs.window
        _window.check_window(op, window, result, image, image.shape[-1])
        if weights.shape[3] != image.shape[3]:
            _legal.refuse(op, f"its filter reads {weights.shape[3]} of {image.shape[3]} channels")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        image, weights = inputs[0], inputs[1]
        assert image is not None and weights is not None
        window, result = op.attrs.window, graph.tensors[op.outputs[0]]
        zero_point = graph.tensors[op.inputs[0]].zero_point  # type: ignore[index]
        centred = image[0].astype(np.float64) - zero_point
        rows, columns = centred.shape[:2]
        pad, stride = window.pad, window.stride
        _, height, width, channels = result.shape
        space = (height + pad.top + pad.bottom, width + pad.left + pad.right)
        total = np.zeros((*space, channels), np.int64)
        for y in range(window.size[0]):
            for x in range(window.size[1]):
                patch = (centred @ weights[:, y, x].T.astype(np.float64)).astype(np.int64)
                total[
                    y : y + rows * stride[0] : stride[0], x : x + columns * stride[1] : stride[1]
                ][:rows, :columns] += patch
        inside = total[pad.top : pad.top + height, pad.left : pad.left + width]
        return [_linear.requantize(graph, op, inside[None])]

    def macs(self, graph: Graph, op: Op) -> int:
        weights = _legal.tensor(graph, op, _linear.FILTER, "filter")
        _, rows, columns, _ = _legal.tensor(graph, op, 0, "input").shape
        return rows * columns * weights.size


RULE = _Rule()
