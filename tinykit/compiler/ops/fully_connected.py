"""FULLY_CONNECTED: a matrix times each row of the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _linear, _window


@dataclass(frozen=True)
class FullyConnected:
    """Fused activation.

    Inputs: any shape, read as (rows, depth); filter (units, depth), one scale or one per unit;
    bias int32 (units,) or None. The output has rows * units elements.
    """

    activation: str


class _Rule(OpRule):
    kind, builtin, options = "fully_connected", "FULLY_CONNECTED", "FullyConnectedOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> FullyConnected:
        if options.weightsFormat != 0:
            _legal.refuse(op, f"weights format {options.weightsFormat} (shuffled) is not supported")
        return FullyConnected(_window.parse_activation(op, options))

    def check(self, graph: Graph, op: Op) -> None:
        image, weights, result = _linear.check(graph, op, rank=2, axis=0)
        units, depth = weights.shape
        if image.size % depth or image.size // depth * units != result.size:
            _legal.refuse(
                op,
                f"input {image.shape}, filter {weights.shape} and output {result.shape} "
                "do not belong together",
            )

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        image, weights = inputs[0], inputs[1]
        assert image is not None and weights is not None
        zero_point = graph.tensors[op.inputs[0]].zero_point  # type: ignore[index]
        rows = image.reshape(-1, weights.shape[1]).astype(np.float64) - zero_point
        accumulator = (rows @ weights.T.astype(np.float64)).astype(np.int64)
        shape = graph.tensors[op.outputs[0]].shape
        return [_linear.requantize(graph, op, accumulator).reshape(shape)]

    def macs(self, graph: Graph, op: Op) -> int:
        depth = _legal.tensor(graph, op, _linear.FILTER, "filter").shape[-1]
        return graph.tensors[op.outputs[0]].size * depth


RULE = _Rule()
