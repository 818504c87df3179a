"""Models with int16 activations that the compiler cannot carry out exactly are refused by name."""

from __future__ import annotations

import int16_cases
import numpy as np
import pytest
import single_op

from tinykit.compiler.reader import read_tflite
from tinykit.errors import ModelError

BAD = {
    "zero point": (
        lambda: int16_cases.conv2d(source=(0.002, -32768)),
        "op 0 conv2d: 'x' is int16 with zero point -32768, not 0",
    ),
    "bias of 32 bits": (
        lambda: int16_cases.depthwise_conv2d(bias_type=np.int32),
        "op 0 depthwise_conv2d: its bias 'bias' is int32, not int64",
    ),
    "bias beyond 48 bits": (
        lambda: int16_cases.fully_connected(bias_reach=1 << 60),
        "op 0 fully_connected: channel 0 can overflow",
    ),
    "product": (
        lambda: int16_cases.binary("MUL", (1, 4), (1, 4), 0.5, 0.5, 0.1),
        "op 0 mul: scales its product by 2.5, the limit is 1",
    ),
    "mixed inputs": (
        lambda: single_op.unary("RELU", (1, 4), (0.1, 0), (0.1, 0), dtype=np.int16),
        "op 0 relu: 'x' is int8, 'y0' is int16",
    ),
    "no kernel in TFLM": (
        lambda: int16_cases.unary("HARD_SWISH", (1, 4)),
        "op 0 hard_swish: its input 'x' is int16, not int8",
    ),
    "sigmoid's scale": (
        lambda: int16_cases.unary("LOGISTIC", (1, 4), (3.0, 0), int16_cases.UNIT),
        "op 0 logistic: its input scale 3.0 is out of range",
    ),
    "sigmoid's output": (
        lambda: int16_cases.unary("TANH", (1, 4), (0.001, 0), (0.001, 0)),
        "op 0 tanh: its output has scale 0.001",
    ),
    "softmax's scale": (
        lambda: int16_cases.softmax((1, 4), 3.0),
        "op 0 softmax: beta 1.0 times scale 3.0 is out of range",
    ),
    "softmax to int8": (
        lambda: int16_cases.unary(
            "SOFTMAX",
            (1, 4),
            (0.1, 0),
            (1 / 256, -128),
            dtype=np.int8,
            options="SoftmaxOptions",
            beta=1.0,
        ),
        "op 0 softmax: 'x' is int16, 'y0' is int8",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refusal(name: str) -> None:
    """The message names the op, the tensor and the values."""
    build, expected = BAD[name]
    with pytest.raises(ModelError) as caught:
        read_tflite(build())
    assert expected in caught.value.message
