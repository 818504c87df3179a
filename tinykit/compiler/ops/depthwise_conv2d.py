"""DEPTHWISE_CONV_2D: each input channel has filters of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _linear, _window


@dataclass(frozen=True)
class DepthwiseConv2D:
    """Geometry, outputs per input channel, fused activation.

    Inputs: image NHWC, filter (1, H, W, C * multiplier), bias int32 or None. Output channel
    `c * multiplier + m` reads input channel c.
    """

    window: _window.Window
    multiplier: int
    activation: str


class _Rule(OpRule):
    kind, builtin, options = "depthwise_conv2d", "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> DepthwiseConv2D:
        image = _legal.tensor(graph, op, 0, "input")
        weights = _legal.tensor(graph, op, _linear.FILTER, "filter")
        _legal.rank(op, image, 4, "input")
        _legal.rank(op, weights, 4, "filter")
        window = _window.parse_window(op, options, image, (weights.shape[1], weights.shape[2]))
        multiplier, rest = divmod(weights.shape[3], image.shape[3])
        if rest or multiplier != options.depthMultiplier:
            _legal.refuse(
                op,
                f"filter {weights.shape} and input {image.shape} do not go with a depth "
                f"multiplier of {options.depthMultiplier}",
                "convert the model again",
            )
        return DepthwiseConv2D(window, multiplier, _window.parse_activation(op, options))

    def check(self, graph: Graph, op: Op) -> None:
        image, weights, result = _linear.check(graph, op, rank=4, axis=3)
        _window.check_window(op, op.attrs.window, image, result, weights.shape[3])
        height, width = op.attrs.window.size
        channels = image.shape[3] * op.attrs.multiplier
        _legal.shape_is(op, weights, (1, height, width, channels), "filter")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        image, weights = inputs[0], inputs[1]
        assert image is not None and weights is not None
        zero_point = graph.tensors[op.inputs[0]].zero_point  # type: ignore[index]
        centred = np.repeat(image.astype(np.int32) - zero_point, op.attrs.multiplier, axis=3)
        rows = _window.taps(graph, op, op.attrs.window, centred, 0)
        accumulator = np.zeros(graph.tensors[op.outputs[0]].shape, np.int64)
        for y, row in enumerate(rows):
            for x, tap in enumerate(row):
                accumulator += tap * weights[0, y, x].astype(np.int32)
        return [_linear.requantize(graph, op, accumulator)]

    def macs(self, graph: Graph, op: Op) -> int:
        weights = _legal.tensor(graph, op, _linear.FILTER, "filter")
        _, rows, columns, _ = graph.tensors[op.outputs[0]].shape
        return rows * columns * weights.size


RULE = _Rule()
