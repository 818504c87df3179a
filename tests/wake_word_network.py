"""A streaming wake word model as microWakeWord's training leaves it, with random weights.

One inference takes a few rows of features and returns one uint8 probability. What lies further
back is in resource variables: a ring of rows for each layer over time, read, joined with the new
rows, cut and assigned. CALL_ONCE gives the rings their first values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinykit.compiler.writer import TfliteWriter

FEATURES = 40

_POSITIVE_SCALE = 3 / 255
_SIGNED_SCALE = 6 / 255
_RELU = 1
_VALID = 1


@dataclass(frozen=True)
class Value:
    """Rows in time, int8 (1, rows, 1, channels)."""

    key: int
    rows: int
    channels: int
    scale: float
    zero_point: int


def wake_word(
    stride: int = 3,
    first: tuple[int, int] = (5, 24),
    blocks: Sequence[tuple[Sequence[int], int]] = (((5,), 24), ((7, 11), 32), ((9, 13), 32)),
    tail: int = 4,
    *,
    pooled: bool = True,
    seed: int = 0,
) -> bytes:
    """Return a model that takes int8 (1, `stride`, 40) and returns uint8 (1, 1).

    Parameters
    ----------
    stride : int
        Rows of features in one inference.
    first : (int, int)
        Taps in time, at least `stride`, and channels of the convolution at the front.
    blocks : sequence of (taps, channels)
        Depthwise convolutions over time, one for each group of channels, then a pointwise one.
    tail : int
        Rows that the end looks back on.
    pooled : bool
        Average them; else flatten them.
    """
    return _Network(np.random.default_rng(seed)).build(stride, first, blocks, tail, pooled)


@dataclass
class _Network:
    rng: np.random.Generator
    writer: TfliteWriter = field(default_factory=TfliteWriter)
    _count: int = 0

    def build(
        self,
        stride: int,
        first: tuple[int, int],
        blocks: Sequence[tuple[Sequence[int], int]],
        tail: int,
        pooled: bool,
    ) -> bytes:
        scale, zero_point = 0.1, -128
        x = self.writer.tensor(
            "x", (1, stride, FEATURES), np.int8, scale=scale, zero_point=zero_point
        )
        rows = self._value(stride, FEATURES, scale, zero_point)
        self.writer.op("RESHAPE", [x, self._integers((1, stride, 1, FEATURES))], [rows.key])
        value = self._conv(self._behind(rows, first[0]), first[0], first[1])
        for taps, channels in blocks:
            mixed = self._mixed(self._behind(value, max(taps)), taps)
            after = self._conv(mixed, 1, channels)
            value = self._residual(value, after) if channels == value.channels else after
        probability = self._end(self._behind(value, tail), pooled)
        return self.writer.build([x], [probability])

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"

    def _value(self, rows: int, channels: int, scale: float, zero_point: int) -> Value:
        shape = (1, rows, 1, channels)
        key = self.writer.tensor(
            self._name("value"), shape, np.int8, scale=scale, zero_point=zero_point
        )
        return Value(key, rows, channels, scale, zero_point)

    def _integers(self, values: Sequence[int] | int) -> int:
        return self.writer.constant(self._name("parameter"), np.array(values, np.int32))

    def _behind(self, new: Value, rows: int) -> Value:
        """Return the newest `rows` rows: those of a ring, then `new`."""
        kept = rows - new.rows
        if kept == 0:
            return new
        quant: dict[str, Any] = {"scale": new.scale, "zero_point": new.zero_point}
        shape = (1, kept, 1, new.channels)
        # the rings of a trained model begin with zeros; noise shows whether they are used
        start = self.rng.integers(-128, 128, shape).astype(np.int8)
        ring = self.writer.variable(self._name("ring"), start, **quant)
        old = self._value(kept, new.channels, new.scale, new.zero_point)
        joined = self._value(rows, new.channels, new.scale, new.zero_point)
        self.writer.op("READ_VARIABLE", [ring], [old.key], "ReadVariableOptions")
        self.writer.op(
            "CONCATENATION", [old.key, new.key], [joined.key], "ConcatenationOptions", axis=1
        )
        newest = self._newest(joined, kept)
        self.writer.op("ASSIGN_VARIABLE", [ring, newest.key], [], "AssignVariableOptions")
        return joined

    def _newest(self, value: Value, rows: int) -> Value:
        """Cut all but the last rows off."""
        if rows == value.rows:
            return value
        cut = self._value(rows, value.channels, value.scale, value.zero_point)
        corners = [(0, -rows, 0, 0), (0, 0, 0, 0), (1, 1, 1, 1)]
        self.writer.op(
            "STRIDED_SLICE",
            [value.key, *map(self._integers, corners)],
            [cut.key],
            "StridedSliceOptions",
            beginMask=0b1101,
            endMask=0b1111,
        )
        return cut

    def _weights(self, shape: Sequence[int], axis: int, source: Value) -> list[int]:
        """Return filter and bias of a linear op whose outputs are about -3 to 3."""
        terms = math.prod(shape) / shape[axis]
        typical = 1 / (source.scale * 74 * 74 * terms**0.5)  # 74: deviation of uniform int8
        scales = (typical * self.rng.uniform(0.5, 1.5, shape[axis])).astype(np.float32)
        filters = self.rng.integers(-127, 128, shape).astype(np.int8)
        bias = self.rng.integers(-4000, 4000, shape[axis]).astype(np.int32)
        return [
            self.writer.constant(self._name("filter"), filters, scale=scales, axis=axis),
            self.writer.constant(self._name("bias"), bias, scale=np.float32(source.scale) * scales),
        ]

    def _conv(self, source: Value, taps: int, channels: int) -> Value:
        weights = self._weights((channels, taps, 1, source.channels), 0, source)
        result = self._value(source.rows - taps + 1, channels, _POSITIVE_SCALE, -128)
        self.writer.op(
            "CONV_2D",
            [source.key, *weights],
            [result.key],
            "Conv2DOptions",
            padding=_VALID,
            strideH=1,
            strideW=1,
            fusedActivationFunction=_RELU,
        )
        return result

    def _mixed(self, source: Value, taps: Sequence[int]) -> Value:
        """Convolve each group of channels over time, with taps of its own."""
        size = source.channels // len(taps)
        groups = [self._value(source.rows, size, source.scale, source.zero_point) for _ in taps]
        if len(taps) > 1:
            parameters = [self._integers([size] * len(taps)), self._integers(3)]
            self.writer.op(
                "SPLIT_V",
                [source.key, *parameters],
                [group.key for group in groups],
                "SplitVOptions",
                numSplits=len(taps),
            )
        else:
            groups = [source]
        made = []
        for group, length in zip(groups, taps, strict=True):
            rows = self._newest(group, length)
            weights = self._weights((1, length, 1, size), 3, rows)
            result = self._value(1, size, _SIGNED_SCALE, -3)
            self.writer.op(
                "DEPTHWISE_CONV_2D",
                [rows.key, *weights],
                [result.key],
                "DepthwiseConv2DOptions",
                padding=_VALID,
                strideH=1,
                strideW=1,
                depthMultiplier=1,
            )
            made.append(result)
        if len(made) == 1:
            return made[0]
        joined = self._value(1, source.channels, _SIGNED_SCALE, -3)
        self.writer.op(
            "CONCATENATION",
            [result.key for result in made],
            [joined.key],
            "ConcatenationOptions",
            axis=3,
        )
        return joined

    def _residual(self, before: Value, after: Value) -> Value:
        total = self._value(1, after.channels, before.scale + after.scale, -128)
        self.writer.op("ADD", [before.key, after.key], [total.key], "AddOptions")
        return total

    def _end(self, rows: Value, pooled: bool) -> int:
        """Return a uint8 probability."""
        depth = rows.channels if pooled else rows.channels * rows.rows
        flat = self.writer.tensor(
            "flat", (1, depth), np.int8, scale=rows.scale, zero_point=rows.zero_point
        )
        if pooled:
            axes = self._integers((1, 2))
            self.writer.op("MEAN", [rows.key, axes], [flat], "ReducerOptions")
        else:
            self.writer.op("RESHAPE", [rows.key, self._integers((1, depth))], [flat])
        weights = self._weights((1, depth), 0, rows)
        logit = self.writer.tensor("logit", (1, 1), np.int8, scale=_SIGNED_SCALE, zero_point=4)
        quant = {"scale": 1 / 256, "zero_point": -128}
        signed = self.writer.tensor("signed", (1, 1), np.int8, **quant)
        result = self.writer.tensor("y", (1, 1), np.uint8, scale=1 / 256, zero_point=0)
        self.writer.op("FULLY_CONNECTED", [flat, *weights], [logit], "FullyConnectedOptions")
        self.writer.op("LOGISTIC", [logit], [signed])
        self.writer.op("QUANTIZE", [signed], [result])
        return result
