"""Small whole networks for the tests of the compiler's back end."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.writer import TfliteWriter


def ds_cnn(channels: int = 4, blocks: int = 2, name: str = "features") -> bytes:
    """Return a depthwise-separable network on (1, 8, 6, 1), 3 classes, fixed weights."""
    rng = np.random.default_rng(7)
    writer = TfliteWriter()

    def layer(kind: str, x: int, depth: int, shape: tuple[int, ...], out: str) -> int:
        size = {
            "CONV_2D": (channels, 3, 3, depth),
            "POINTWISE": (channels, 1, 1, depth),
            "DEPTHWISE_CONV_2D": (1, 3, 3, channels),
            "FULLY_CONNECTED": (3, depth),
        }[kind]
        axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
        many = kind != "FULLY_CONNECTED"
        scales = rng.uniform(0.002, 0.01, size[axis] if many else 1).astype(np.float32)
        weights = rng.integers(-127, 128, size).astype(np.int8)
        bias = rng.integers(-500, 500, size[axis]).astype(np.int32)
        w = writer.constant(f"{out}_filter", weights, scale=scales, axis=axis)
        b = writer.constant(f"{out}_bias", bias, scale=np.float32(0.04) * scales)
        y = writer.tensor(out, shape, np.int8, scale=0.04, zero_point=-128 if many else 5)
        builtin = "CONV_2D" if kind == "POINTWISE" else kind
        options = {
            "CONV_2D": "Conv2DOptions",
            "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
            "FULLY_CONNECTED": "FullyConnectedOptions",
        }[builtin]
        stride = {"strideH": 2 if kind == "CONV_2D" else 1, "strideW": 1} if many else {}
        relu = {"fusedActivationFunction": 1} if many else {}
        once = {"depthMultiplier": 1} if builtin == "DEPTHWISE_CONV_2D" else {}
        writer.op(builtin, [x, w, b], [y], options, **stride, **relu, **once)
        return y

    x = writer.tensor(name, (1, 8, 6, 1), np.int8, scale=0.04, zero_point=5)
    image = (1, 4, 6, channels)
    y = layer("CONV_2D", x, 1, image, "first")
    for i in range(blocks):
        y = layer("DEPTHWISE_CONV_2D", y, channels, image, f"depthwise_{i}")
        y = layer("POINTWISE", y, channels, image, f"pointwise_{i}")
    pooled = writer.tensor("pooled", (1, 1, 1, channels), np.int8, scale=0.04, zero_point=-128)
    window = {"filterHeight": 4, "filterWidth": 6, "strideH": 4, "strideW": 6, "padding": 1}
    writer.op("AVERAGE_POOL_2D", [y], [pooled], "Pool2DOptions", **window)
    logits = layer("FULLY_CONNECTED", pooled, channels, (1, 3), "logits")
    scores = writer.tensor("scores", (1, 3), np.int8, scale=1 / 256, zero_point=-128)
    writer.op("SOFTMAX", [logits], [scores], "SoftmaxOptions", beta=1.0)
    return writer.build([x], [scores])


def two_ends() -> bytes:
    """Return a network with two inputs, a constant operand and two outputs."""
    writer = TfliteWriter()
    a, b, c, d = (writer.tensor(name, (2, 5), np.int8, scale=0.05) for name in "abcd")
    row = np.arange(-2, 3, dtype=np.int8).reshape(1, 5)
    k = writer.constant("row", row, scale=0.05)
    writer.op("ADD", [a, b], [c], "AddOptions")
    writer.op("MUL", [c, k], [d], "MulOptions")
    return writer.build([a, b], [c, d])
