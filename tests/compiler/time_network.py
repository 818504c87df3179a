"""Builds window models over time, layer by layer, for the tests of streaming."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.writer import TfliteWriter

SAME, VALID = 0, 1
_SCALE, _ZERO = 0.05, 4


class TimeNetwork:
    """A chain of int8 layers on (1, rows, width, channels), or with `flat`, (1, elements).

    Every method adds a layer to the end; `shape` is what it gives.
    """

    def __init__(self, shape: tuple[int, ...], seed: int = 0, *, zero_point: int = _ZERO) -> None:
        self._rng = np.random.default_rng(seed)
        self._writer = TfliteWriter()
        self._count = 0
        self._zero = zero_point
        self.shape = shape
        self._input = self._end = self._tensor(shape)

    def build(self) -> bytes:
        """Return the .tflite."""
        return self._writer.build([self._input], [self._end])

    def conv(
        self,
        channels: int,
        size: tuple[int, int] = (3, 1),
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        padding: int = VALID,
    ) -> TimeNetwork:
        """CONV_2D with a relu."""
        filters = (channels, *size, self.shape[3])
        shape = (1, *self._positions(size, stride, dilation, padding), channels)
        return self._linear(
            "CONV_2D",
            filters,
            shape,
            0,
            padding=padding,
            strideH=stride[0],
            strideW=stride[1],
            dilationHFactor=dilation[0],
            dilationWFactor=dilation[1],
            fusedActivationFunction=1,
        )

    def depthwise(
        self,
        size: tuple[int, int] = (3, 1),
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        padding: int = VALID,
    ) -> TimeNetwork:
        """DEPTHWISE_CONV_2D."""
        channels = self.shape[3]
        shape = (1, *self._positions(size, stride, dilation, padding), channels)
        return self._linear(
            "DEPTHWISE_CONV_2D",
            (1, *size, channels),
            shape,
            3,
            padding=padding,
            strideH=stride[0],
            strideW=stride[1],
            dilationHFactor=dilation[0],
            dilationWFactor=dilation[1],
            depthMultiplier=1,
        )

    def pool(
        self, kind: str, size: tuple[int, int] = (2, 1), stride: tuple[int, int] = (1, 1)
    ) -> TimeNetwork:
        """AVERAGE_POOL_2D or MAX_POOL_2D."""
        shape = (1, *self._positions(size, stride, (1, 1), VALID), self.shape[3])
        window = {"filterHeight": size[0], "filterWidth": size[1], "padding": VALID}
        steps = {"strideH": stride[0], "strideW": stride[1]}
        return self._add(kind, shape, "Pool2DOptions", **window, **steps)

    def dense(self, units: int, depth: int | None = None) -> TimeNetwork:
        """FULLY_CONNECTED over all elements, or over the last axis with `depth` its size."""
        shape = (1, units) if depth is None else (*self.shape[:-1], units)
        depth = int(np.prod(self.shape)) if depth is None else depth
        keep = len(shape) > 2
        return self._linear("FULLY_CONNECTED", (units, depth), shape, 0, keepNumDims=keep)

    def reshape(self, *shape: int) -> TimeNetwork:
        """RESHAPE."""
        return self._add("RESHAPE", shape, "", np.array(shape, np.int32))

    def transpose(self, *order: int) -> TimeNetwork:
        """TRANSPOSE."""
        shape = tuple(self.shape[axis] for axis in order)
        return self._add("TRANSPOSE", shape, "", np.array(order, np.int32))

    def pad(self, *widths: tuple[int, int]) -> TimeNetwork:
        """PAD."""
        shape = tuple(sum(pair) + n for pair, n in zip(widths, self.shape, strict=True))
        return self._add("PAD", shape, "", np.array(widths, np.int32))

    def mean(self, *axes: int) -> TimeNetwork:
        """MEAN that drops `axes`."""
        shape = tuple(n for axis, n in enumerate(self.shape) if axis not in axes)
        return self._add("MEAN", shape, "ReducerOptions", np.array(axes, np.int32))

    def crop(self, start: int, rows: int, stride: int = 1) -> TimeNetwork:
        """STRIDED_SLICE of the rows (axis 1)."""
        begin, step = [0] * len(self.shape), [1] * len(self.shape)
        end = list(self.shape)
        begin[1], end[1], step[1] = start, start + (rows - 1) * stride + 1, stride
        shape = (self.shape[0], rows, *self.shape[2:])
        parameters = [np.array(values, np.int32) for values in (begin, end, step)]
        return self._add("STRIDED_SLICE", shape, "StridedSliceOptions", *parameters)

    def leaky(self) -> TimeNetwork:
        """LEAKY_RELU, an element at a time."""
        return self._add("LEAKY_RELU", self.shape, "LeakyReluOptions", alpha=0.3)

    def softmax(self) -> TimeNetwork:
        """SOFTMAX over the last axis."""
        y = self._writer.tensor("scores", self.shape, np.int8, scale=1 / 256, zero_point=-128)
        self._writer.op("SOFTMAX", [self._end], [y], "SoftmaxOptions", beta=1.0)
        self._end = y
        return self

    def residual(self, size: int, start: int) -> TimeNetwork:
        """Add a convolution over `size` rows to the rows from `start` on of what it reads."""
        before, shape = self._end, self.shape
        self.conv(shape[3], (size, 1))
        branch, branch_shape = self._end, self.shape
        self._end, self.shape = before, shape
        self.crop(start, branch_shape[1])
        return self._join("ADD", "AddOptions", branch, branch_shape)

    def beside(self, channels: int) -> TimeNetwork:
        """Concatenate a pointwise convolution to what it reads."""
        before, shape = self._end, self.shape
        self.conv(channels, (1, 1))
        branch, branch_shape = self._end, self.shape
        self._end = before
        joined = (*shape[:3], shape[3] + branch_shape[3])
        return self._join("CONCATENATION", "ConcatenationOptions", branch, joined, axis=3)

    def rates(self, first: int, second: int) -> TimeNetwork:
        """Add up two branches over time with strides of their own, each flattened at its end."""
        before, shape = self._end, self.shape
        self.conv(3, (1, 1), (first, 1)).dense(2)
        branch = self._end
        self._end, self.shape = before, shape
        self.conv(2, (2, 1), (second, 1)).dense(2)
        return self._join("ADD", "AddOptions", branch, (1, 2))

    def excite(self) -> TimeNetwork:
        """Scale every row by the mean over time: what cannot be streamed."""
        before, shape = self._end, self.shape
        self.pool("AVERAGE_POOL_2D", shape[1:3])
        branch = self._end
        self._end = before
        return self._join("MUL", "MulOptions", branch, shape)

    def _join(
        self, builtin: str, options: str, branch: int, shape: tuple[int, ...], **values: object
    ) -> TimeNetwork:
        y = self._tensor(shape)
        self._writer.op(builtin, [self._end, branch], [y], options, **values)
        self._end, self.shape = y, shape
        return self

    def _tensor(self, shape: tuple[int, ...]) -> int:
        self._count += 1
        return self._writer.tensor(
            f"t{self._count}", shape, np.int8, scale=_SCALE, zero_point=self._zero
        )

    def _positions(
        self,
        size: tuple[int, int],
        stride: tuple[int, int],
        dilation: tuple[int, int],
        padding: int,
    ) -> tuple[int, int]:
        found = []
        for axis in (0, 1):
            length = self.shape[1 + axis] - (size[axis] - 1) * dilation[axis] * (padding == VALID)
            length -= padding == VALID
            found.append(length // stride[axis] + 1 if padding else -(-length // stride[axis]))
        return found[0], found[1]

    def _add(
        self,
        builtin: str,
        shape: tuple[int, ...],
        options: str,
        *parameters: object,
        **values: object,
    ) -> TimeNetwork:
        keys = []
        for value in parameters:
            self._count += 1
            keys.append(self._writer.constant(f"parameter{self._count}", value))
        y = self._tensor(shape)
        self._writer.op(builtin, [self._end, *keys], [y], options, **values)
        self._end, self.shape = y, shape
        return self

    def _linear(
        self,
        builtin: str,
        filters: tuple[int, ...],
        shape: tuple[int, ...],
        axis: int,
        **values: object,
    ) -> TimeNetwork:
        self._count += 1
        channels = filters[axis]
        depth = int(np.prod(filters)) // channels
        scales = np.full(channels if builtin != "FULLY_CONNECTED" else 1, 0.02 / depth**0.5)
        weights = self._rng.integers(-127, 128, filters).astype(np.int8)
        bias = self._rng.integers(-2000, 2000, channels).astype(np.int32)
        name = f"w{self._count}"
        w = self._writer.constant(name, weights, scale=scales.astype(np.float32), axis=axis)
        b = self._writer.constant(f"{name}_b", bias, scale=(scales * _SCALE).astype(np.float32))
        y = self._tensor(shape)
        options = {
            "CONV_2D": "Conv2DOptions",
            "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
            "FULLY_CONNECTED": "FullyConnectedOptions",
        }[builtin]
        self._writer.op(builtin, [self._end, w, b], [y], options, **values)
        self._end, self.shape = y, shape
        return self
