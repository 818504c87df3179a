"""CONV_2D: a filter over height, width and all channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _linear, _window


@dataclass(frozen=True)
class Conv2D:
    """Geometry and fused activation. Inputs: image NHWC, filter OHWI, bias int32 (O,) or None."""

    window: _window.Window
    activation: str


class _Rule(OpRule):
    kind, builtin, options = "conv2d", "CONV_2D", "Conv2DOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> Conv2D:
        weights = _legal.tensor(graph, op, _linear.FILTER, "filter")
        _legal.rank(op, weights, 4, "filter")
        image = _legal.tensor(graph, op, 0, "input")
        size = (weights.shape[1], weights.shape[2])
        return Conv2D(
            _window.parse_window(op, options, image, size), _window.parse_activation(op, options)
        )

    def check(self, graph: Graph, op: Op) -> None:
        image, weights, result = _linear.check(graph, op, rank=4, axis=0)
        _window.check_window(op, op.attrs.window, image, result, weights.shape[0])
        if weights.shape[3] != image.shape[3]:
            _legal.refuse(
                op,
                f"its filter reads {weights.shape[3]} of {image.shape[3]} input channels",
                "grouped convolutions are not supported: use DEPTHWISE_CONV_2D or groups=1",
            )

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        image, weights = inputs[0], inputs[1]
        assert image is not None and weights is not None
        zero_point = graph.tensors[op.inputs[0]].zero_point  # type: ignore[index]
        # float64 holds every partial sum exactly (check: below 2**31) and has the fast matmul
        centred = image.astype(np.float64) - zero_point
        rows = _window.taps(graph, op, op.attrs.window, centred, 0)
        patches = np.concatenate([tap for row in rows for tap in row], axis=-1)
        kernel = weights.reshape(weights.shape[0], -1).astype(np.float64)
        accumulator = (patches @ kernel.T).astype(np.int64)
        return [_linear.requantize(graph, op, accumulator)]

    def macs(self, graph: Graph, op: Op) -> int:
        weights = _legal.tensor(graph, op, _linear.FILTER, "filter")
        _, rows, columns, _ = graph.tensors[op.outputs[0]].shape
        return rows * columns * weights.size


RULE = _Rule()
