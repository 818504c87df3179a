"""Edge cases of the ops with int16 activations, as `single_op.cases` has them for int8.

They are named after their ops as well, so that whoever runs cases by kind runs both.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import single_op

from tinykit.compiler.writer import TfliteWriter

Q = (0.002, 0)
UNIT = (2.0**-15, 0)
INT16 = {"dtype": np.int16, "source_dtype": np.int16}
WIDE = {"bias_type": np.int64, "bias_reach": 1 << 20}

_LINEAR = {"dtype": np.int16, "source": Q, "zero_point": 0}


def linear(build: Any, *shapes: Any, **options: Any) -> bytes:
    """A convolution or a fully connected layer, with an int64 bias unless `options` differ."""
    return build(*shapes, **{**_LINEAR, **WIDE, **options})


conv2d = functools.partial(linear, single_op.conv2d)
depthwise_conv2d = functools.partial(linear, single_op.depthwise_conv2d)
fully_connected = functools.partial(linear, single_op.fully_connected)


def unary(builtin: str, before: Any, source: Any = Q, result: Any = Q, **options: Any) -> bytes:
    """An op with one int16 input and int16 outputs."""
    return single_op.unary(builtin, before, source, result, **{**INT16, **options})


def binary(builtin: str, first: Any, second: Any, *scales: float, **options: Any) -> bytes:
    """An op with two int16 inputs; the scales are of both and of the output."""
    quants = [(scale, 0) for scale in scales]
    return single_op.binary(builtin, first, second, *quants, dtype=np.int16, **options)


def softmax(shape: Any, scale: float, beta: float = 1.0) -> bytes:
    """SOFTMAX from int16 to int16."""
    return unary("SOFTMAX", shape, (scale, 0), UNIT, options="SoftmaxOptions", beta=beta)


def variable() -> bytes:
    """A ring buffer of 3 rows of int16 that begins with values, read and assigned."""
    writer = TfliteWriter()
    rows = np.arange(-600, 600, 100, dtype=np.int16).reshape(1, 3, 4)
    x = writer.tensor("x", (1, 2, 4), np.int16, scale=0.01)
    handle = writer.variable("ring", rows, scale=0.01)
    old = writer.tensor("old", (1, 3, 4), np.int16, scale=0.01)
    both = writer.tensor("both", (1, 5, 4), np.int16, scale=0.01)
    kept = writer.tensor("kept", (1, 3, 4), np.int16, scale=0.01)
    begin, size = (writer.constant(n, np.array(v, np.int32)) for n, v in _SLICE)
    writer.op("READ_VARIABLE", [handle], [old], "ReadVariableOptions")
    writer.op("CONCATENATION", [old, x], [both], "ConcatenationOptions", axis=1)
    writer.op("SLICE", [both, begin, size], [kept], "SliceOptions")
    writer.op("ASSIGN_VARIABLE", [handle, kept], [], "AssignVariableOptions")
    return writer.build([x], [both])


_SLICE = (("begin", [0, 2, 0]), ("size", [1, 3, 4]))


def padv2(value: int) -> bytes:
    """PADV2 of an image of int16 with `value`."""
    writer = TfliteWriter()
    x, y = (
        writer.tensor(name, shape, np.int16, scale=0.01)
        for name, shape in (("x", (1, 3, 4, 3)), ("y", (1, 6, 5, 3)))
    )
    sizes = writer.constant("sizes", np.array([[0, 0], [1, 2], [0, 1], [0, 0]], np.int32))
    fill = writer.constant("fill", np.array([value], np.int16), scale=0.01)
    writer.op("PADV2", [x, sizes, fill], [y], "PadV2Options")
    return writer.build([x], [y])


def _size(kind: str, height: int, width: int) -> dict[str, Any]:
    return {"filters": (height, width) if kind == "depthwise_conv2d" else (5, height, width)}


def _convolutions(kind: str, build: Any) -> dict[str, bytes]:
    size = functools.partial(_size, kind)
    return {
        "1x1": build(image=(1, 1, 1, 1), **size(1, 1)),
        "stride-over-kernel": build(image=(1, 7, 8, 2), stride=(3, 4), **size(2, 1)),
        "asymmetric-padding": build(image=(1, 9, 4, 3), stride=(2, 3), **size(4, 3)),
        "kernel-over-image": build(image=(1, 2, 3, 2), **size(5, 5)),
        "valid": build(image=(1, 7, 5, 3), padding="VALID", **size(3, 2)),
        "dilation": build(image=(1, 9, 8, 3), dilation=(2, 3), **size(3, 2)),
        "relu": build(activation="relu"),
        "relu6": build(activation="relu6"),
        "per-tensor": build(per_channel=False),
        "no-bias": build(bias=False),
        "saturating": build(weights="extreme"),
        "lowest-weights": build(weights="lowest"),
        "one-channel": build(image=(1, 5, 5, 1)),
        "odd-channels": build(image=(1, 4, 4, 7)),
        "wide-bias": build(image=(1, 4, 4, 5), bias_reach=1 << 33),
        "wide-sums": build(  # 63 taps: only the bias makes them exceed 32 bits
            image=(1, 9, 7, 1), weights="extreme", bias_reach=1 << 31, **size(9, 7)
        ),
        "one-row": build(image=(1, 1, 20, 4), **size(1, 5)),
        "in-place": build(image=(1, 5, 6, 6), **size(3, 3)),
    }


def cases() -> dict[str, bytes]:
    """Return every edge case: its name, which starts with the op's kind, and the model."""
    made = {}
    for kind, build in (("conv2d", conv2d), ("depthwise_conv2d", depthwise_conv2d)):
        made |= {f"{kind}-int16-{k}": v for k, v in _convolutions(kind, build).items()}
    made |= {
        "conv2d-int16-pointwise": conv2d((1, 5, 3, 16), (24, 1, 1)),
        "conv2d-int16-pointwise-stride": conv2d((1, 5, 4, 6), (3, 1, 1), stride=(2, 2)),
        "conv2d-int16-deep": conv2d((1, 3, 2, 65), (5, 3, 3), weights="lowest"),
        "conv2d-int16-upscale": conv2d(output_scale=1e-5),
        "conv2d-int16-downscale": conv2d(output_scale=10.0),
        "conv2d-int16-int32-bias": conv2d(bias_type=np.int32),
        "conv2d-int16-int32-bias-relu": conv2d(bias_type=np.int32, activation="relu"),
        "depthwise_conv2d-int16-multiplier": depthwise_conv2d(multiplier=3),
        "depthwise_conv2d-int16-wide-multiplier": depthwise_conv2d(
            multiplier=2, bias_reach=1 << 33
        ),
        "fully_connected-int16-per-tensor": fully_connected(),
        "fully_connected-int16-per-channel": fully_connected((1, 33), 9, per_channel=True),
        "fully_connected-int16-int32-bias": fully_connected((1, 70), 9, bias_type=np.int32),
        "fully_connected-int16-no-bias": fully_connected(bias=False),
        "fully_connected-int16-one": fully_connected((1, 1), 1),
        "fully_connected-int16-rows": fully_connected((3, 7), 5, activation="relu6"),
        "fully_connected-int16-image": fully_connected((1, 3, 4, 2), 5, depth=24),
        "fully_connected-int16-511": fully_connected((1, 511), 6, weights="lowest", bias=False),
        "fully_connected-int16-512": fully_connected((1, 512), 6, weights="lowest", bias=False),
        "fully_connected-int16-1100": fully_connected((1, 1100), 6, weights="lowest"),
    }
    return made | _elementwise() | _moves() | _pools() | _lstms()


def _elementwise() -> dict[str, bytes]:
    made = {}
    image = (1, 4, 3, 5)
    for builtin in ("ADD", "SUB", "MUL"):
        kind = f"{builtin.lower()}-int16"
        result = 0.00001 if builtin == "MUL" else 0.004
        made |= {
            f"{kind}-same-shape": binary(builtin, image, image, 0.002, 0.0013, result),
            f"{kind}-relu": binary(builtin, image, image, 0.002, 0.0013, result, activation="relu"),
            f"{kind}-scalar": binary(builtin, image, (), 0.002, 0.0013, result, constant=True),
            f"{kind}-channels": binary(builtin, image, (5,), 0.002, 0.004, result, constant=True),
            f"{kind}-broadcast": binary(builtin, (1, 4, 1, 5), (3, 1), 0.002, 0.003, result),
            f"{kind}-extreme": binary(builtin, (1, 300), (1, 300), 0.1, 0.0007, 0.03),
        }
    for builtin in ("MINIMUM", "MAXIMUM"):
        kind = f"{builtin.lower()}-int16"
        made[f"{kind}-channels"] = binary(builtin, (1, 4, 6), (6,), 0.1, 0.1, 0.1, constant=True)
    shape = (1, 1000)
    for name, source, result in (
        ("finer", (0.05, 0), (0.021, 0)),
        ("coarser", (0.05, 0), (0.31, 0)),
        ("same", Q, Q),
    ):
        made[f"quantize-int16-{name}"] = unary("QUANTIZE", shape, source, result)
        made[f"relu-int16-{name}"] = unary("RELU", shape, source, result)
        for alpha in (0.3, -0.5):
            made[f"leaky_relu-int16-{name}-{alpha}"] = unary(
                "LEAKY_RELU", shape, source, result, options="LeakyReluOptions", alpha=alpha
            )
    made |= {
        "relu6-int16-inside": unary("RELU6", shape, (0.001, 0), (0.001, 0)),
        "relu6-int16-beyond": unary("RELU6", shape, (0.0001, 0), (0.0001, 0)),
        "quantize-int16-to-int8": unary("QUANTIZE", shape, Q, (0.4, -7), dtype=np.int8),
        "quantize-int16-to-int8-finer": unary("QUANTIZE", shape, Q, (0.0003, 127), dtype=np.int8),
        "quantize-int8-to-int16": unary("QUANTIZE", (1, 256), (0.4, -128), Q, source_dtype=np.int8),
        "quantize-int8-to-int16-coarser": unary(
            "QUANTIZE", (1, 256), (0.4, 3), (1.7, 0), source_dtype=np.int8
        ),
    }
    for scale in (2.0**-12, 2.0**-11, 2.0**-10, 0.00003, 0.3, 2.5):
        made[f"logistic-int16-{scale:.2g}"] = unary("LOGISTIC", shape, (scale, 0), UNIT)
        made[f"tanh-int16-{scale:.2g}"] = unary("TANH", shape, (scale, 0), UNIT)
    return made | {
        "softmax-int16-to-int16-12": softmax((3, 12), 0.0005),
        "softmax-int16-to-int16-one": softmax((2, 1), 0.1),
        "softmax-int16-to-int16-flat": softmax((3, 700), 1e-7),
        "softmax-int16-to-int16-steep": softmax((3, 30), 0.5),
        "softmax-int16-to-int16-beta": softmax((1, 2, 9), 0.0001, 0.7),
    }


def _moves() -> dict[str, bytes]:
    def move(builtin: str, source: Any, shape: Any, *parameters: Any, **rest: Any) -> bytes:
        return unary(builtin, source, shape=shape, parameters=parameters, **rest)

    split = {"options": "SplitOptions", "numSplits": 3, "outputs": 3, "parameters_first": True}
    strided = {"options": "StridedSliceOptions", "beginMask": 0, "endMask": 0, "shrinkAxisMask": 0}
    joined = functools.partial(single_op.joined, quantization=Q, dtype=np.int16)
    pads = [[0, 0], [1, 2], [0, 1], [0, 0]]
    return {
        "reshape-int16": move("RESHAPE", (1, 2, 3, 4), (1, 24), [-1, 24]),
        "squeeze-int16": move("SQUEEZE", (1, 1, 5), (5,)),
        "expand_dims-int16": move("EXPAND_DIMS", (1, 5), (1, 5, 1), [-1]),
        "pad-int16": move("PAD", (1, 3, 4, 3), (1, 6, 5, 3), pads),
        "padv2-int16": padv2(-777),
        "padv2-int16-even": padv2(0x0505),
        "concatenation-int16": joined("CONCATENATION", [(1, 3, 2), (1, 3, 5)], (1, 3, 7), -1),
        "concatenation-int16-time": joined("CONCATENATION", [(1, 2, 3), (1, 6, 3)], (1, 8, 3), 1),
        "pack-int16": joined("PACK", [(2, 3), (2, 3), (2, 3)], (2, 3, 3), -1),
        "unpack-int16": move(
            "UNPACK", (4, 3), (3,), axis=0, num=4, options="UnpackOptions", outputs=4
        ),
        "transpose-int16": move("TRANSPOSE", (1, 3, 4, 5), (1, 5, 3, 4), [0, 3, 1, 2]),
        "slice-int16": move("SLICE", (1, 6, 5), (1, 3, 2), [0, 2, 1], [1, 3, 2]),
        "split-int16": move("SPLIT", (1, 2, 9), (1, 2, 3), -1, **split),
        "strided_slice-int16": move(
            "STRIDED_SLICE", (1, 7, 5), (1, 2, 5), [0, 1, 0], [1, 7, 5], [1, 3, 1], **strided
        ),
        "strided_slice-int16-back": move(
            "STRIDED_SLICE", (1, 7, 5), (1, 2, 2), [0, 1, 4], [1, 7, 0], [1, 3, -2], **strided
        ),
        "resize_nearest_neighbor-int16": move(
            "RESIZE_NEAREST_NEIGHBOR",
            (1, 3, 4, 3),
            (1, 7, 5, 3),
            [7, 5],
            options="ResizeNearestNeighborOptions",
        ),
        "read_variable-int16": variable(),
    }


def _pools() -> dict[str, bytes]:
    made = {}
    for builtin in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        kind = builtin.lower().replace("_2d", "2d") + "-int16"
        pool = functools.partial(single_op.pool2d, builtin, source=Q, dtype=np.int16)
        made |= {
            f"{kind}-overlapping": pool(),
            f"{kind}-whole-image": pool((1, 25, 5, 9), (25, 5), stride=(25, 5)),
            f"{kind}-same": pool((1, 5, 4, 3), (3, 3), stride=(2, 2), padding="SAME"),
            f"{kind}-1x1": pool((1, 1, 1, 1), (1, 1)),
            f"{kind}-stride-over-window": pool((1, 9, 9, 2), (2, 1), stride=(4, 3)),
            f"{kind}-relu6": pool(activation="relu6", padding="SAME"),
        }
    for axes, keep in (((1, 2), False), ((1, 2), True), ((-1,), False)):
        name = f"mean-int16-{'-'.join(map(str, axes))}{'-keep' if keep else ''}"
        made[name] = single_op.mean((1, 5, 7, 3), axes, Q, (0.0017, 0), keep=keep, **INT16)
    made["mean-int16-same-scale"] = single_op.mean((1, 25, 5, 4), (1, 2), Q, Q, **INT16)
    return made


def _lstms() -> dict[str, bytes]:
    build = functools.partial(
        single_op.lstm, source=(0.0002, 0), hidden=(2.0**-15, 0), dtype=np.int16
    )
    made = {
        "one-step": build(1),
        "one-unit": build(2, 1, 1),
        "steps": build(7, 5, 6),
        "time-major": build(5, 3, 9, time_major=True),
        "clipped": build(6, 5, 4, clip=1.5, gain=3),
        "saturated": build(6, 9, 5, source=(0.01, 0), gain=20),
        "coarse-cell": build(6, 5, 3, cell_bits=9, gain=3, clip=10),
        "weak": build(4, 5, 3, gain=0.001),
        "deep": build(2, 600, 3),
    }
    return {f"unidirectional_sequence_lstm-int16-{name}": data for name, data in made.items()}
