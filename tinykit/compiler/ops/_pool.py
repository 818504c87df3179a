"""What the pooling ops share: geometry, checks, windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import OpRule, _legal, _window


@dataclass(frozen=True)
class Pool2D:
    """Geometry and fused activation. Padding is never part of an average or a maximum."""

    window: _window.Window
    activation: str


def output_range(graph: Graph, op: Op) -> tuple[int, int]:
    """Return the bounds of the output: the fused activation's, quantized."""
    result = graph.tensors[op.outputs[0]]
    return arithmetic.activation_range(
        op.attrs.activation, result.scale, result.zero_point, result.dtype
    )


class PoolRule(OpRule):
    """Parse and check a pooling op."""

    options = "Pool2DOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> Pool2D:
        """Return the geometry."""
        image = _legal.tensor(graph, op, 0, "input")
        size = (int(options.filterHeight), int(options.filterWidth))
        return Pool2D(
            _window.parse_window(op, options, image, size), _window.parse_activation(op, options)
        )

    def check(self, graph: Graph, op: Op) -> None:
        """Require one quantization on both sides and the shape that the window gives."""
        _legal.arity(op, 1)
        image = _legal.activation(graph, op, dtypes=_legal.ACTIVATIONS)
        result = _legal.output(graph, op, _legal.ACTIVATIONS)
        _legal.same_quantization(op, image, result)
        _legal.centred(op, image)
        _window.check_window(op, op.attrs.window, image, result, image.shape[-1])
        height, width = op.attrs.window.size
        reach = height * width << 8 * image.dtype.itemsize - 1
        _legal.require(reach <= arithmetic.INT32_MAX, op, "its sum can overflow 32 bits")
