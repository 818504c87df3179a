"""Small networks with filters that a test chooses, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinykit.compiler.ir import Graph
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter

SCALE = 0.05
TINY = 1e-8  # what converters give a filter of zeros: just enough for its bias
SAME, VALID = 0, 1
RELU = 1


class Layers:
    """A network whose values all have one quantization; shapes follow from the layers."""

    def __init__(self, *shape: int, zero_point: int = -128, seed: int = 0) -> None:
        self.writer = TfliteWriter()
        self.rng = np.random.default_rng(seed)
        self.zero_point = zero_point
        self.shapes: dict[int, tuple[int, ...]] = {}
        self.x = self.value(*shape)

    def value(self, *shape: int) -> int:
        """Add a tensor."""
        key = self.writer.tensor("t", shape, np.int8, scale=SCALE, zero_point=self.zero_point)
        self.shapes[key] = shape
        return key

    def conv(
        self,
        source: int,
        channels: int,
        size: int = 1,
        zeros: Sequence[int] = (),
        unread: Sequence[int] = (),
        bias: Sequence[int] = (),
        padding: int = SAME,
    ) -> int:
        """CONV_2D with ReLU; `zeros` are output channels without weights, `unread` input channels.

        `bias` starts with the real values, in output steps, of the first channels.
        """
        depth = self.shapes[source][3]
        data = self.rng.integers(-127, 128, (channels, size, size, depth)).astype(np.int8)
        data[list(zeros)] = 0
        data[..., list(unread)] = 0
        constants = self._constants(data, 0, zeros, bias)
        result = self._image(source, channels, size, padding)
        options = {"padding": padding, "strideH": 1, "strideW": 1, "fusedActivationFunction": RELU}
        self.writer.op("CONV_2D", [source, *constants], [result], "Conv2DOptions", **options)
        return result

    def depthwise(
        self,
        source: int,
        zeros: Sequence[int] = (),
        bias: Sequence[int] = (),
        padding: int = SAME,
        multiplier: int = 1,
    ) -> int:
        """DEPTHWISE_CONV_2D 3x3 with ReLU."""
        channels = multiplier * self.shapes[source][3]
        data = self.rng.integers(-127, 128, (1, 3, 3, channels)).astype(np.int8)
        data[..., list(zeros)] = 0
        constants = self._constants(data, 3, zeros, bias)
        result = self._image(source, channels, 3, padding)
        options = {"padding": padding, "strideH": 1, "strideW": 1, "fusedActivationFunction": RELU}
        self.writer.op(
            "DEPTHWISE_CONV_2D",
            [source, *constants],
            [result],
            "DepthwiseConv2DOptions",
            depthMultiplier=multiplier,
            **options,
        )
        return result

    def dense(self, source: int, units: int) -> int:
        """FULLY_CONNECTED of everything."""
        depth = int(np.prod(self.shapes[source]))
        data = self.rng.integers(-127, 128, (units, depth)).astype(np.int8)
        result = self.value(1, units)
        constants = self._constants(data, 0, (), ())
        self.writer.op("FULLY_CONNECTED", [source, *constants], [result], "FullyConnectedOptions")
        return result

    def op(self, builtin: str, sources: Sequence[int], shape: Sequence[int], **options: int) -> int:
        """Any other op; `options` go to its own table."""
        result = self.value(*shape)
        table = {
            "AVERAGE_POOL_2D": "Pool2DOptions",
            "MAX_POOL_2D": "Pool2DOptions",
            "ADD": "AddOptions",
            "MUL": "MulOptions",
            "CONCATENATION": "ConcatenationOptions",
            "MEAN": "ReducerOptions",
            "REDUCE_MAX": "ReducerOptions",
            "STRIDED_SLICE": "StridedSliceOptions",
        }.get(builtin, "")
        self.writer.op(builtin, sources, [result], table, **options)
        return result

    def integers(self, *values: int) -> int:
        """Add an int32 parameter."""
        return self.writer.constant("p", np.array(values, np.int32))

    def graph(self, *outputs: int) -> Graph:
        """Return the graph as read."""
        return read_tflite(self.data(*outputs))

    def data(self, *outputs: int) -> bytes:
        """Return the .tflite."""
        return self.writer.build([self.x], outputs)

    def _constants(
        self, data: np.ndarray, axis: int, zeros: Sequence[int], bias: Sequence[int]
    ) -> list[int]:
        """Add filter and bias; a channel without weights has a tiny scale, as of converters."""
        count = data.shape[axis]
        scales = self.rng.uniform(0.002, 0.01, count)
        scales[list(zeros)] = TINY
        scales = scales.astype(np.float32)
        steps = self.rng.integers(-20, 20, count)
        steps[: len(bias)] = bias
        values = np.round(steps / scales).astype(np.int32)
        return [
            self.writer.constant("w", data, scale=scales, axis=axis),
            self.writer.constant("b", values, scale=np.float32(SCALE) * scales, axis=0),
        ]

    def _image(self, source: int, channels: int, size: int, padding: int) -> int:
        lost = size - 1 if padding == VALID else 0
        _, rows, columns, _ = self.shapes[source]
        return self.value(1, rows - lost, columns - lost, channels)
