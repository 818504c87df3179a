"""What elementwise ops with two inputs share: broadcasting and checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, OpRule, _legal, _window


@dataclass(frozen=True)
class Binary:
    """Fused activation. Shapes broadcast as in numpy."""

    activation: str = "none"


class BinaryRule(OpRule):
    """Parse and check an op of two int8 or two int16 tensors, each computed or constant."""

    def parse(self, options: Any, graph: Graph, op: Op) -> Binary:
        """Return the fused activation, where the op has options."""
        return Binary(_window.parse_activation(op, options) if options is not None else "none")

    def check(self, graph: Graph, op: Op) -> None:
        """Require one dtype, and shapes that broadcast to that of the output."""
        _legal.arity(op, 2)
        first, second, result = self.tensors(graph, op)
        for value, role in ((first, "first input"), (second, "second input"), (result, "output")):
            _legal.quantized(op, value, role, _legal.ACTIVATIONS)
        _legal.same_dtype(op, first, second, result)
        _legal.centred(op, first, second, result)
        try:
            shape = np.broadcast_shapes(first.shape, second.shape)
        except ValueError:
            _legal.refuse(op, f"shapes {first.shape} and {second.shape} do not broadcast")
        _legal.shape_is(op, result, shape)
        self.check_scales(op, first, second, result)

    def tensors(self, graph: Graph, op: Op) -> tuple[Tensor, Tensor, Tensor]:
        """Return both inputs and the output."""
        return (
            _legal.tensor(graph, op, 0, "first input"),
            _legal.tensor(graph, op, 1, "second input"),
            graph.tensors[op.outputs[0]],
        )

    def check_scales(self, op: Op, first: Tensor, second: Tensor, result: Tensor) -> None:
        """Refuse `op` when its quantization is outside what the arithmetic can express."""


def output_range(op: Op, result: Tensor) -> tuple[int, int]:
    """Return the bounds of the output: the fused activation's, quantized."""
    return arithmetic.activation_range(
        op.attrs.activation, result.scale, result.zero_point, result.dtype
    )


def centred(values: Array | None, tensor: Tensor) -> Array:
    """Return int64 values with the zero point subtracted."""
    assert values is not None
    return values.astype(np.int64) - tensor.zero_point
