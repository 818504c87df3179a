"""A tiny int8 .tflite, a fully connected layer and a softmax, for tests of the whole road."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.writer import TfliteWriter

INPUTS, CLASSES = 16, 4


def build(seed: int = 0) -> bytes:
    """Return the model: int8 (1, 16) -> int8 (1, 4)."""
    draw = np.random.default_rng(seed)
    writer = TfliteWriter()
    x = writer.tensor("x", (1, INPUTS), np.int8, scale=0.05)
    weights = draw.integers(-127, 128, (CLASSES, INPUTS)).astype(np.int8)
    w = writer.constant("w", weights, scale=0.01)
    bias = draw.integers(-500, 500, CLASSES).astype(np.int32)
    b = writer.constant("b", bias, scale=0.05 * 0.01)
    logits = writer.tensor("logits", (1, CLASSES), np.int8, scale=0.1)
    y = writer.tensor("y", (1, CLASSES), np.int8, scale=1 / 256, zero_point=-128)
    writer.op("FULLY_CONNECTED", [x, w, b], [logits], "FullyConnectedOptions")
    writer.op("SOFTMAX", [logits], [y], "SoftmaxOptions", beta=1.0)
    return writer.build([x], [y])
