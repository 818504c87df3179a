"""SOFTMAX over the last axis, int8 to int8 or int16 in fixed point, int16 to int16 by tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler import arithmetic, fixedpoint, softmax16
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, OpRule, _legal, _lookup


@dataclass(frozen=True)
class Softmax:
    """`exp(beta * x) / sum(exp(beta * x))`."""

    beta: float


class _Rule(OpRule):
    kind, builtin, options = "softmax", "SOFTMAX", "SoftmaxOptions"

    def parse(self, options: Any, graph: Graph, op: Op) -> Softmax:
        return Softmax(float(options.beta))

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 1)
        source = _legal.activation(graph, op, dtypes=_legal.ACTIVATIONS)
        result = _legal.output(graph, op, _legal.ACTIVATIONS)
        _legal.shape_is(op, result, source.shape)
        _legal.require(len(source.shape) > 0, op, "its input is a scalar")
        if source.dtype == _legal.INT16:
            self._check_int16(op, source, result)
            return
        bits = 8 * result.dtype.itemsize
        zero_point = arithmetic.type_range(result.dtype)[0]
        if result.zero_point != zero_point or not math.isclose(
            result.scale, 2.0**-bits, rel_tol=1e-3
        ):
            _legal.refuse(
                op,
                f"its output has scale {result.scale}, zero point {result.zero_point}, "
                f"should be 1/{1 << bits}, {zero_point}",
            )
        # below, TFLM's fixed-point input scale stops working; above, its sum may overflow Q12
        real = op.attrs.beta * float(source.scale) * (1 << 26)
        _legal.require(1 < real < math.inf, op, f"beta {op.attrs.beta} times scale is out of range")
        depth = source.shape[-1]
        _legal.require(depth < 1 << 12, op, f"{depth} classes are too many, 4095 are possible")

    def _check_int16(self, op: Op, source: Tensor, result: Tensor) -> None:
        _legal.same_dtype(op, source, result)
        _legal.centred(op, source)
        _lookup.check_output(op, result, 2.0**-15, 0)
        beta, depth = op.attrs.beta, source.shape[-1]
        _legal.require(math.isfinite(beta) and beta > 0, op, f"its beta is {beta}")
        multiplier, shift = softmax16.input_scale(beta, source.scale)
        fits = multiplier > 0 and shift <= softmax16.MAX_SHIFT
        _legal.require(fits, op, f"beta {beta} times scale {source.scale} is out of range")
        _legal.require(depth < 1 << 16, op, f"{depth} classes are too many, 65535 are possible")

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        values = inputs[0]
        assert values is not None
        source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]  # type: ignore[index]
        if source.dtype == _legal.INT16:
            scale16 = softmax16.input_scale(op.attrs.beta, source.scale)
            return [softmax16.softmax(values, *scale16)]
        table = fixedpoint.softmax_exponentials(op.attrs.beta, source.scale).astype(np.int64)
        wide = values.astype(np.int64)
        exponentials = table[wide.max(axis=-1, keepdims=True) - wide]
        used = exponentials >= 0
        terms = arithmetic.rounding_divide_by_power_of_two(
            exponentials, fixedpoint.SOFTMAX_SUM_BITS
        )
        total = np.where(used, terms, 0).sum(axis=-1, keepdims=True)
        scale, bits = fixedpoint.reciprocal(total, fixedpoint.SOFTMAX_SUM_BITS)
        low, high = arithmetic.type_range(result.dtype)
        product = arithmetic.saturating_rounding_doubling_high_mul(scale, exponentials)
        exponent = bits + 31 - 8 * result.dtype.itemsize
        quotient = arithmetic.rounding_divide_by_power_of_two(product, exponent)
        return [np.where(used, np.clip(quotient + low, low, high), low).astype(result.dtype)]


RULE = _Rule()
