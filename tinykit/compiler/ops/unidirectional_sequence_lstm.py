"""UNIDIRECTIONAL_SEQUENCE_LSTM, a recurrent layer that keeps its state: int8 or int16, int16 cell.

With int16 activations, the products with the filters are those of `_linear.rounds_once`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic, sigmoid16
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, OpRule, _legal, _linear

GATES = ("input", "forget", "cell", "output")
"""In the order of the file: of the weights, of the recurrent weights and of the biases."""

INPUT_FILTERS, RECURRENT_FILTERS, BIASES = 1, 5, 12  # positions of the first of four inputs
HIDDEN, CELL = 18, 19

_LEFT_OUT = {9: "peephole", 10: "peephole", 11: "peephole", 16: "projection", 17: "projection"}
_LEFT_OUT |= {position: "layer normalization" for position in range(20, 24)}
_PLAIN_HINT = "the golden interpreter does not run it either: use a plain LSTM layer"
_TANH = 4  # in the schema
_GATE_SCALE = 2.0**-12  # of the sums that the gates' functions read
_UNIT_SCALE = 2.0**-15  # of what they give
_INT16_MIN, _INT16_MAX = -32768, 32767

_Real = float | np.float32
Scale = tuple[int, int]  # multiplier and shift, as of `arithmetic.quantize_multiplier`


@dataclass(frozen=True)
class Lstm:
    """Limit of the cell's real value; 0: none.

    Inputs: as in the file, see the positions above. Outputs: the sequence, and the two states,
    hidden and cell, under the numbers of inputs 18 and 19: they are changed in place.
    """

    cell_clip: float


@dataclass(frozen=True)
class Scaling:
    """How every product comes to its scale. Gates in the order of `GATES`."""

    input: tuple[Scale, ...]
    recurrent: tuple[Scale, ...]
    forget_cell: Scale
    input_cell: Scale
    hidden: Scale


class _Rule(OpRule):
    kind, builtin = "unidirectional_sequence_lstm", "UNIDIRECTIONAL_SEQUENCE_LSTM"
    options = "UnidirectionalSequenceLSTMOptions"
    states = (HIDDEN, CELL)

    def parse(self, options: Any, graph: Graph, op: Op) -> Lstm:
        _legal.arity(op, 20, 24)
        if options.fusedActivationFunction != _TANH:
            _legal.refuse(
                op, f"its activation is number {options.fusedActivationFunction}, not tanh"
            )
        clip = float(options.cellClip)
        _legal.require(math.isfinite(clip) and clip >= 0, op, f"its cell clip is {clip}")
        return Lstm(clip)

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 20, 24, outputs=3)
        for position, role in _LEFT_OUT.items():
            if position < len(op.inputs) and op.inputs[position] is not None:
                _legal.refuse(op, f"{role} is not supported", _PLAIN_HINT)
        if None in (op.inputs[1], op.inputs[5]):
            _legal.refuse(op, "coupled input and forget gates are not supported", _PLAIN_HINT)
        source = _legal.activation(graph, op, dtypes=_legal.ACTIVATIONS)
        result = _legal.output(graph, op, _legal.ACTIVATIONS)
        hidden = _legal.activation(graph, op, HIDDEN, "hidden state", _legal.ACTIVATIONS)
        _legal.same_dtype(op, source, result, hidden)
        _legal.centred(op, source, hidden)
        cell = _legal.quantized(
            op, _legal.tensor(graph, op, CELL, "cell state"), "cell state", [_legal.INT16]
        )
        for position, state in ((HIDDEN, hidden), (CELL, cell)):
            _legal.require(state.state, op, f"its state {state.name!r} is not a variable")
            written = op.outputs[1 + position - HIDDEN]
            _legal.require(written == op.inputs[position], op, "does not write its own states")
        _legal.require(cell.zero_point == 0, op, f"its cell's zero point is {cell.zero_point}")
        _legal.same_quantization(op, hidden, result)
        _legal.rank(op, source, 3, "input")
        _legal.require(
            1 in source.shape[:2], op, f"input {source.shape}: batches are not supported"
        )
        depth, units = source.shape[2], result.shape[-1]
        _legal.shape_is(op, result, (*source.shape[:2], units))
        _legal.shape_is(op, hidden, (1, units), "hidden state")
        _legal.shape_is(op, cell, (1, units), "cell state")
        for gate in range(len(GATES)):
            self._check_filter(graph, op, INPUT_FILTERS + gate, (units, depth))
            self._check_filter(graph, op, RECURRENT_FILTERS + gate, (units, units))
            dtype = np.int64 if source.dtype == _legal.INT16 else np.int32
            bias = _legal.constant(graph, op, BIASES + gate, "bias", dtype)
            _legal.shape_is(op, bias, (units,), "bias")
        self._check_scaling(graph, op, cell)
        self._check_reach(graph, op)

    def _check_filter(self, graph: Graph, op: Op, position: int, shape: tuple[int, int]) -> None:
        weights = _legal.constant(graph, op, position, "filter", np.int8)
        _legal.quantized(op, weights, "filter")
        _legal.shape_is(op, weights, shape, "filter")
        if weights.zero_point:
            _legal.refuse(op, f"its filter {weights.name!r} has zero point {weights.zero_point}")

    def _check_scaling(self, graph: Graph, op: Op, cell: Tensor) -> None:
        fraction, exponent = math.frexp(float(cell.scale))
        if fraction != 0.5 or not -15 <= exponent - 1 <= -9:
            _legal.refuse(
                op,
                f"its cell's scale is {cell.scale}, not a power of two from 2^-15 to 2^-9",
                "convert the model again",
            )
        scaling = self.scaling(graph, op)
        if any(shift > 0 for _, shift in (scaling.forget_cell, scaling.input_cell, scaling.hidden)):
            _legal.refuse(op, "a product is scaled up: its scales look wrong", "quantize it again")

    def _check_reach(self, graph: Graph, op: Op) -> None:
        """Refuse filters with which an accumulator, scaled up, could leave 32 bits."""
        if is_wide(graph, op):
            self._check_wide_reach(graph, op)
            return
        scaling = self.scaling(graph, op)
        for first, scales in (
            (INPUT_FILTERS, scaling.input),
            (RECURRENT_FILTERS, scaling.recurrent),
        ):
            for gate, (_, shift) in enumerate(scales):
                weights = _legal.tensor(graph, op, first + gate, "filter")
                assert weights.data is not None
                sums = np.abs(weights.data.astype(np.int64)).sum(axis=1)
                reach = int((np.abs(folded_bias(graph, op, first + gate)) + 128 * sums).max())
                if shift > arithmetic.MAX_SHIFT or reach << max(shift, 0) > arithmetic.INT32_MAX:
                    _legal.refuse(
                        op,
                        f"filter {weights.name!r} can overflow its 32-bit accumulator (bound "
                        f"{reach:,}, left shift {shift})",
                        "the scales of the model look wrong: quantize it again",
                    )

    def _check_wide_reach(self, graph: Graph, op: Op) -> None:
        scaling = self.scaling(graph, op)
        for first, scales in (
            (INPUT_FILTERS, scaling.input),
            (RECURRENT_FILTERS, scaling.recurrent),
        ):
            for gate, (multiplier, shift) in enumerate(scales):
                factors = np.array([multiplier]), np.array([shift])
                _linear.check_wide(op, reach(graph, op, first + gate), *factors)

    def scaling(self, graph: Graph, op: Op) -> Scaling:
        """Return the multiplier and shift of every product."""
        source, hidden, cell = (
            _legal.tensor(graph, op, position, "input") for position in (0, HIDDEN, CELL)
        )

        def gates(first: int, read: Tensor) -> tuple[Scale, ...]:
            filters = [_legal.tensor(graph, op, first + i, "filter") for i in range(len(GATES))]
            return tuple(_scale(read.scale, weights.scale, _GATE_SCALE) for weights in filters)

        return Scaling(
            input=gates(INPUT_FILTERS, source),
            recurrent=gates(RECURRENT_FILTERS, hidden),
            forget_cell=_scale(_UNIT_SCALE, cell.scale, cell.scale),
            input_cell=_scale(_UNIT_SCALE, _UNIT_SCALE, cell.scale),
            hidden=_scale(_UNIT_SCALE, _UNIT_SCALE, hidden.scale),
        )

    def cell_limit(self, graph: Graph, op: Op) -> int:
        """Return the largest magnitude that the cell keeps; 32768 where it is not clipped."""
        scale = _legal.tensor(graph, op, CELL, "cell state").scale
        clip = op.attrs.cell_clip
        with np.errstate(over="ignore"):  # to infinity: no limit then
            limit = np.float32(clip) / scale
        return int(min(limit, np.float32(_INT16_MAX))) if clip else -_INT16_MIN

    def tanh_input(self, graph: Graph, op: Op) -> Scale:
        """Return the multiplier and shift to the right that bring the cell to tanh's input."""
        scale = _legal.tensor(graph, op, CELL, "cell state").scale
        left = math.frexp(float(scale))[1] - 1 + 12
        return (3 << left, 0) if left >= 0 else (3, -left)

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        source, hidden, cell = inputs[0], inputs[HIDDEN], inputs[CELL]
        assert source is not None and hidden is not None and cell is not None
        scaling, to = self.scaling(graph, op), graph.tensors[op.outputs[0]]
        limit, tanh_input = self.cell_limit(graph, op), self.tanh_input(graph, op)
        outputs = []
        for x in source.reshape(-1, source.shape[-1]):
            i, f, g, o = (
                _saturated(
                    _product(graph, op, INPUT_FILTERS + gate, x, scaling.input[gate])
                    + _product(graph, op, RECURRENT_FILTERS + gate, hidden, scaling.recurrent[gate])
                )
                for gate in range(len(GATES))
            )
            kept = _scaled(sigmoid16.logistic(f) * cell.astype(np.int64), scaling.forget_cell)
            added = _scaled(sigmoid16.logistic(i) * sigmoid16.tanh(g), scaling.input_cell)
            cell = np.clip(_saturated(kept + added), -limit, limit).astype(np.int16)
            value = sigmoid16.tanh(cell, *tanh_input) * sigmoid16.logistic(o)
            scaled = arithmetic.multiply_by_quantized_multiplier(value, *scaling.hidden)
            limits = arithmetic.type_range(to.dtype)
            hidden = np.clip(scaled + to.zero_point, *limits).astype(to.dtype)
            outputs.append(hidden)
        return [np.stack(outputs).reshape(to.shape), hidden, cell]

    def macs(self, graph: Graph, op: Op) -> int:
        source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]  # type: ignore[index]
        return len(GATES) * result.size * (source.shape[-1] + result.shape[-1])


def folded_bias(graph: Graph, op: Op, position: int) -> NDArray[np.int64]:
    """Return what is added to each row of the filter at `position`, int64 (units,).

    The zero point of what the filter is multiplied with is folded in. Input filters have the bias
    of their gate, recurrent ones have none of their own.
    """
    recurrent = position >= RECURRENT_FILTERS
    weights = _legal.tensor(graph, op, position, "filter").data
    assert weights is not None
    read = _legal.tensor(graph, op, HIDDEN if recurrent else 0, "input")
    folded = -read.zero_point * weights.astype(np.int64).sum(axis=1)
    if recurrent:
        return folded
    bias = _legal.tensor(graph, op, BIASES + position - INPUT_FILTERS, "bias").data
    assert bias is not None
    return folded + bias


def _scale(first: _Real, second: _Real, result: _Real) -> Scale:
    return arithmetic.quantize_multiplier(float(first) * float(second) / float(result))


def is_wide(graph: Graph, op: Op) -> bool:
    """Whether the activations are int16."""
    return _legal.tensor(graph, op, 0, "input").dtype == _legal.INT16


def reach(graph: Graph, op: Op, position: int) -> NDArray[np.int64]:
    """Return a bound of each row's sum, int16 activations, with the filter at `position`."""
    weights = _legal.tensor(graph, op, position, "filter").data
    assert weights is not None
    products = 32768 * np.abs(weights.astype(np.int64)).sum(axis=1)
    return products + _linear.magnitude(folded_bias(graph, op, position))


def _product(graph: Graph, op: Op, position: int, x: Array, scale: Scale) -> Array:
    weights = _legal.tensor(graph, op, position, "filter").data
    assert weights is not None
    exact = weights.astype(np.float64) @ x.reshape(-1).astype(np.float64)
    total = exact.astype(np.int64) + folded_bias(graph, op, position)
    if is_wide(graph, op):
        return _saturated(arithmetic.multiply_wide_by_quantized_multiplier(total, *scale))
    return _scaled(total, scale)


def _scaled(values: Array, scale: Scale) -> Array:
    return _saturated(arithmetic.multiply_by_quantized_multiplier(values, *scale))


def _saturated(values: Array) -> Array:
    return np.clip(values, _INT16_MIN, _INT16_MAX)


RULE = _Rule()
