"""SVDF: a fully connected layer over time, split into a filter over features and one over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler import arithmetic
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, OpRule, _legal, _window

FEATURES, TIME, BIAS, STATE = 1, 2, 3, 4  # positions among the inputs


@dataclass(frozen=True)
class Svdf:
    """How many filters are summed for each output.

    Inputs: values (1, depth); feature filters int8 (filters, depth); time filters int16
    (filters, memory); bias int32 (units,); state int16 (1, filters * memory), which
    output 1 is as well: each filter's latest answers, oldest first.
    """

    rank: int


class _Rule(OpRule):
    kind, builtin, options, states = "svdf", "SVDF", "SVDFOptions", (STATE,)

    def parse(self, options: Any, graph: Graph, op: Op) -> Svdf:
        _legal.arity(op, 5)
        activation = _window.parse_activation(op, options)
        # TFLM takes nothing but relu, and then leaves it to the output's zero point
        _legal.require(activation == "relu", op, f"fused activation {activation}, not relu")
        return Svdf(int(options.rank))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 5, outputs=2)
        source, result = _legal.activation(graph, op), _legal.output(graph, op)
        features = _legal.constant(graph, op, FEATURES, "feature filter", np.int8)
        time = _legal.constant(graph, op, TIME, "time filter", np.int16)
        state = _legal.tensor(graph, op, STATE, "state")
        _legal.quantized(op, features, "feature filter")
        _legal.quantized(op, time, "time filter", [_legal.INT16])
        _legal.quantized(op, state, "state", [_legal.INT16])
        written = op.outputs[1] == op.inputs[STATE]
        _legal.require(state.state and written, op, f"its state {state.name!r} is not a variable")
        centred = not (features.zero_point or time.zero_point or state.zero_point)
        _legal.require(centred, op, "a filter or the state has a zero point other than 0")
        for value, role in ((source, "input"), (features, "filter"), (time, "filter")):
            _legal.rank(op, value, 2, role)
        filters, depth = features.shape
        _legal.shape_is(op, source, (1, depth), "input")
        _legal.require(
            op.attrs.rank >= 1 and filters % op.attrs.rank == 0,
            op,
            f"{filters} filters of rank {op.attrs.rank}",
        )
        units = filters // op.attrs.rank
        _legal.shape_is(op, result, (1, units))
        _legal.shape_is(op, time, (filters, time.shape[1]), "time filter")
        _legal.shape_is(op, state, (1, filters * time.shape[1]), "state")
        bias = _legal.constant(graph, op, BIAS, "bias", np.int32)
        _legal.shape_is(op, bias, (units,), "bias")
        self._check_reach(graph, op, source, features, time)

    def _check_reach(
        self, graph: Graph, op: Op, source: Tensor, features: Tensor, time: Tensor
    ) -> None:
        """Refuse filters with which an accumulator, scaled up, could leave 32 bits."""
        assert features.data is not None and time.data is not None
        sums = np.abs(features.data.astype(np.int64)).sum(axis=1)
        first = int(sums.max()) * max(127 - source.zero_point, source.zero_point + 128)
        parts = np.abs(time.data.astype(np.int64)).reshape(-1, op.attrs.rank * time.shape[1])
        second = int((32768 * parts.sum(axis=1) + np.abs(self.bias(graph, op))).max())
        for reach, (_, shift) in zip((first, second), self.scaling(graph, op), strict=True):
            if shift > arithmetic.MAX_SHIFT or reach << max(shift, 0) > arithmetic.INT32_MAX:
                _legal.refuse(
                    op, f"an accumulator can overflow (bound {reach:,}, left shift {shift})"
                )

    def bias(self, graph: Graph, op: Op) -> Array:
        """Return the bias, int64 (units,)."""
        data = _legal.tensor(graph, op, BIAS, "bias").data
        assert data is not None
        return data.astype(np.int64)

    def scaling(self, graph: Graph, op: Op) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the multiplier and shift into the state, and from the state to the output."""
        source, features, time, state = (
            _legal.tensor(graph, op, position, "input").scale
            for position in (0, FEATURES, TIME, STATE)
        )
        result = graph.tensors[op.outputs[0]].scale
        with np.errstate(over="ignore"):  # a factor beyond float32 is refused below
            # float32 arithmetic, as in TFLM
            into, out = float(source * features / state), float(state * time / result)
        return arithmetic.quantize_multiplier(into), arithmetic.quantize_multiplier(out)

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        values, features, time, _, state = inputs
        assert values is not None and features is not None
        assert time is not None and state is not None
        source, result = _legal.tensor(graph, op, 0, "input"), graph.tensors[op.outputs[0]]
        into, out = self.scaling(graph, op)
        centred = values.astype(np.int64).reshape(-1) - source.zero_point
        answers = arithmetic.multiply_by_quantized_multiplier(
            features.astype(np.int64) @ centred, *into
        )
        memory = np.roll(state.reshape(time.shape), -1, axis=1)
        memory[:, -1] = np.clip(answers, -32768, 32767)
        sums = (memory.astype(np.int64) * time).sum(axis=1).reshape(-1, op.attrs.rank).sum(axis=1)
        scaled = arithmetic.multiply_by_quantized_multiplier(sums + self.bias(graph, op), *out)
        limited = np.clip(scaled + result.zero_point, -128, 127).astype(np.int8)
        return [limited.reshape(result.shape), memory.reshape(state.shape)]

    def macs(self, graph: Graph, op: Op) -> int:
        return sum(_legal.tensor(graph, op, i, "filter").size for i in (FEATURES, TIME))


RULE = _Rule()
