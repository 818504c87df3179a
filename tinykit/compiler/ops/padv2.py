"""PADV2: a border of any value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import _legal
from tinykit.compiler.ops.pad import Pad, PadRule


@dataclass(frozen=True)
class PadV2(Pad):
    """The border's value, as the output is quantized."""

    value: int


class _Rule(PadRule):
    kind, builtin = "padv2", "PADV2"

    def parse(self, options: Any, graph: Graph, op: Op) -> PadV2:
        _legal.arity(op, 3)
        sizes = self.sizes(graph, op)
        value = _legal.constant(graph, op, 2, "value", np.int8, np.int16)
        _legal.quantized(op, value, "value", _legal.ACTIVATIONS)
        _legal.same_quantization(op, value, _legal.output(graph, op, _legal.ACTIVATIONS))
        _legal.require(value.size == 1, op, f"its value has shape {value.shape}")
        assert value.data is not None
        return PadV2(sizes.before, sizes.after, int(value.data.reshape(-1)[0]))

    def fill(self, graph: Graph, op: Op) -> int:
        return int(op.attrs.value)


RULE = _Rule()
