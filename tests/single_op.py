"""Builds .tflite models of one op, for tests: at random, and a list of edge cases.

`cases()` is the list that every implementation of the ops is held to: the numpy reference against
the golden interpreter, and the C kernels against the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.writer import TfliteWriter

ACTIVATION = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}
PADDING = {"SAME": 0, "VALID": 1}

Shape = Sequence[int]
Quant = tuple[float, int]  # scale, zero point


def inputs(data: bytes, rows: int = 8, seed: int = 0) -> list[NDArray[Any]]:
    """Return `rows` stacked inputs of a model: the extremes first, then noise."""
    from tinykit.compiler.reader import read_tflite

    graph, rng = read_tflite(data), np.random.default_rng(seed)
    stacked = []
    for key in graph.inputs:
        shape, dtype = graph.tensors[key].shape, graph.tensors[key].dtype
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        values = rng.integers(low, high + 1, (rows, *shape)).astype(dtype)
        if rows > 2:
            values[0], values[1] = low, high
            values[2] = rng.choice(np.array([low, high], dtype), shape)
        stacked.append(values)
    return stacked


def _windows(length: int, size: int, stride: int, dilation: int, padding: str) -> int:
    span = (size - 1) * dilation + 1
    return -(-length // stride) if padding == "SAME" else (length - span) // stride + 1


def _filter_scales(rng: np.random.Generator, channels: int, per_channel: bool) -> Any:
    scales = rng.uniform(0.001, 0.02, channels if per_channel else 1).astype(np.float32)
    return scales


class _Linear:
    """Filter, bias and output scale of a convolution or a fully connected layer."""

    def __init__(
        self,
        seed: int,
        shape: Shape,
        axis: int,
        *,
        per_channel: bool,
        bias: bool,
        source: Quant,
        weights: str,
        bias_type: type = np.int32,
        bias_reach: int = 3000,
    ) -> None:
        rng = np.random.default_rng(seed)
        channels = shape[axis]
        self.scales = _filter_scales(rng, channels, per_channel)
        self.filter = {
            "random": lambda: rng.integers(-127, 128, shape),
            "extreme": lambda: np.full(shape, 127),
            "lowest": lambda: np.full(shape, -128),  # which symmetric quantization never gives
            "zero": lambda: np.zeros(shape),
        }[weights]().astype(np.int8)
        offsets = rng.integers(-bias_reach, bias_reach, channels)
        self.bias = offsets.astype(bias_type) if bias else None
        # so that outputs use their range: deviation of a sum of products of uniform values
        terms = self.filter.size // channels
        spread = float(source[0] * self.scales.mean()) * 74 * 74 * terms**0.5
        self.output_scale = float(np.float32(spread / 50))

    def add(self, writer: TfliteWriter, source: Quant, axis: int) -> list[int | None]:
        key = writer.constant("filter", self.filter, scale=self.scales, axis=axis)
        if self.bias is None:
            return [key]
        scale = np.float32(source[0]) * self.scales
        return [key, writer.constant("bias", self.bias, scale=scale)]


def conv2d(
    image: Shape = (1, 6, 5, 3),
    filters: Shape = (4, 3, 3),
    *,
    stride: Shape = (1, 1),
    dilation: Shape = (1, 1),
    padding: str = "SAME",
    activation: str = "none",
    source: Quant = (0.05, 3),
    zero_point: int = -5,
    output_scale: float | None = None,
    per_channel: bool = True,
    bias: bool = True,
    weights: str = "random",
    dtype: type = np.int8,
    seed: int = 0,
    **wide: Any,
) -> bytes:
    """CONV_2D: `filters` is (output channels, height, width); `wide` is of the bias."""
    linear = _Linear(
        seed,
        (*filters, image[3]),
        0,
        per_channel=per_channel,
        bias=bias,
        source=source,
        weights=weights,
        **wide,
    )
    out = [_windows(image[1 + i], filters[1 + i], stride[i], dilation[i], padding) for i in (0, 1)]
    writer = TfliteWriter()
    x = writer.tensor("x", image, dtype, scale=source[0], zero_point=source[1])
    operands = linear.add(writer, source, 0)
    scale = output_scale or linear.output_scale
    y = writer.tensor("y", (1, *out, filters[0]), dtype, scale=scale, zero_point=zero_point)
    writer.op(
        "CONV_2D",
        [x, *operands],
        [y],
        "Conv2DOptions",
        padding=PADDING[padding],
        strideH=stride[0],
        strideW=stride[1],
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        fusedActivationFunction=ACTIVATION[activation],
    )
    return writer.build([x], [y])


def depthwise_conv2d(
    image: Shape = (1, 6, 5, 3),
    filters: Shape = (3, 3),
    *,
    multiplier: int = 1,
    stride: Shape = (1, 1),
    dilation: Shape = (1, 1),
    padding: str = "SAME",
    activation: str = "none",
    source: Quant = (0.05, 3),
    zero_point: int = -5,
    per_channel: bool = True,
    bias: bool = True,
    weights: str = "random",
    dtype: type = np.int8,
    seed: int = 0,
    **wide: Any,
) -> bytes:
    """DEPTHWISE_CONV_2D: `filters` is (height, width)."""
    channels = image[3] * multiplier
    linear = _Linear(
        seed,
        (1, *filters, channels),
        3,
        per_channel=per_channel,
        bias=bias,
        source=source,
        weights=weights,
        **wide,
    )
    out = [_windows(image[1 + i], filters[i], stride[i], dilation[i], padding) for i in (0, 1)]
    writer = TfliteWriter()
    x = writer.tensor("x", image, dtype, scale=source[0], zero_point=source[1])
    operands = linear.add(writer, source, 3)
    y = writer.tensor(
        "y", (1, *out, channels), dtype, scale=linear.output_scale, zero_point=zero_point
    )
    writer.op(
        "DEPTHWISE_CONV_2D",
        [x, *operands],
        [y],
        "DepthwiseConv2DOptions",
        padding=PADDING[padding],
        strideH=stride[0],
        strideW=stride[1],
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        depthMultiplier=multiplier,
        fusedActivationFunction=ACTIVATION[activation],
    )
    return writer.build([x], [y])


def fully_connected(
    source_shape: Shape = (1, 10),
    units: int = 4,
    *,
    depth: int | None = None,
    keep_dims: bool = False,
    activation: str = "none",
    source: Quant = (0.05, 3),
    zero_point: int = -5,
    per_channel: bool = False,
    bias: bool = True,
    weights: str = "random",
    dtype: type = np.int8,
    seed: int = 0,
    **wide: Any,
) -> bytes:
    """FULLY_CONNECTED of (rows, depth); `depth` defaults to the last axis."""
    depth = depth or source_shape[-1]
    linear = _Linear(
        seed,
        (units, depth),
        0,
        per_channel=per_channel,
        bias=bias,
        source=source,
        weights=weights,
        **wide,
    )
    rows = int(np.prod(source_shape)) // depth
    shape = (*source_shape[:-1], units) if keep_dims else (rows, units)
    writer = TfliteWriter()
    x = writer.tensor("x", source_shape, dtype, scale=source[0], zero_point=source[1])
    operands = linear.add(writer, source, 0)
    y = writer.tensor("y", shape, dtype, scale=linear.output_scale, zero_point=zero_point)
    writer.op(
        "FULLY_CONNECTED",
        [x, *operands],
        [y],
        "FullyConnectedOptions",
        fusedActivationFunction=ACTIVATION[activation],
        keepNumDims=keep_dims,
    )
    return writer.build([x], [y])


def pool2d(
    builtin: str,
    image: Shape = (1, 6, 5, 3),
    window: Shape = (2, 2),
    *,
    stride: Shape = (1, 1),
    padding: str = "VALID",
    activation: str = "none",
    source: Quant = (0.05, 3),
    dtype: type = np.int8,
) -> bytes:
    """AVERAGE_POOL_2D or MAX_POOL_2D."""
    out = [_windows(image[1 + i], window[i], stride[i], 1, padding) for i in (0, 1)]
    return unary(
        builtin,
        image,
        source,
        source,
        shape=(1, *out, image[3]),
        dtype=dtype,
        source_dtype=dtype,
        options="Pool2DOptions",
        padding=PADDING[padding],
        strideH=stride[0],
        strideW=stride[1],
        filterHeight=window[0],
        filterWidth=window[1],
        fusedActivationFunction=ACTIVATION[activation],
    )


def unary(
    builtin: str,
    source_shape: Shape,
    source: Quant,
    result: Quant,
    *,
    shape: Shape | None = None,
    parameters: Sequence[Any] = (),
    parameters_first: bool = False,
    dtype: type = np.int8,
    source_dtype: type = np.int8,
    options: str = "",
    outputs: int = 1,
    **values: Any,
) -> bytes:
    """Any op with one input; `parameters` are int32 constants that follow (or precede) it."""
    writer = TfliteWriter()
    x = writer.tensor("x", source_shape, source_dtype, scale=source[0], zero_point=source[1])
    constants = [
        writer.constant(f"parameter{i}", np.array(p, np.int32)) for i, p in enumerate(parameters)
    ]
    given = [*constants, x] if parameters_first else [x, *constants]
    results = [
        writer.tensor(
            f"y{i}",
            source_shape if shape is None else shape,
            dtype,
            scale=result[0],
            zero_point=result[1],
        )
        for i in range(outputs)
    ]
    writer.op(builtin, given, results, options, **values)
    return writer.build([x], results)


def binary(
    builtin: str,
    first_shape: Shape,
    second_shape: Shape,
    first: Quant,
    second: Quant,
    result: Quant,
    *,
    constant: bool = False,
    activation: str = "none",
    dtype: type = np.int8,
    seed: int = 0,
) -> bytes:
    """An op with two inputs, the second of which may be a constant."""
    writer = TfliteWriter()
    x = writer.tensor("x", first_shape, dtype, scale=first[0], zero_point=first[1])
    if constant:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        values = np.random.default_rng(seed).integers(low, high + 1, second_shape).astype(dtype)
        z = writer.constant("z", values, scale=second[0], zero_point=second[1])
    else:
        z = writer.tensor("z", second_shape, dtype, scale=second[0], zero_point=second[1])
    shape = np.broadcast_shapes(tuple(first_shape), tuple(second_shape))
    y = writer.tensor("y", shape, dtype, scale=result[0], zero_point=result[1])
    options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}.get(builtin, "")
    values_set = {"fusedActivationFunction": ACTIVATION[activation]} if options else {}
    writer.op(builtin, [x, z], [y], options, **values_set)
    return writer.build([x] if constant else [x, z], [y])


def lstm(
    steps: int = 3,
    depth: int = 5,
    units: int = 4,
    *,
    source: Quant = (0.04, -7),
    hidden: Quant = (1 / 128, 0),
    cell_bits: int = 12,
    clip: float = 0.0,
    gain: float = 1.0,
    time_major: bool = False,
    dtype: type = np.int8,
    seed: int = 0,
) -> bytes:
    """UNIDIRECTIONAL_SEQUENCE_LSTM; the cell's scale is `2**-cell_bits`; `gain` drives gates."""
    rng, writer = np.random.default_rng(seed), TfliteWriter()
    leading = (steps, 1) if time_major else (1, steps)
    x = writer.tensor("x", (*leading, depth), dtype, scale=source[0], zero_point=source[1])
    y = writer.tensor("y", (*leading, units), dtype, scale=hidden[0], zero_point=hidden[1])
    h = writer.tensor("h", (1, units), dtype, scale=hidden[0], zero_point=hidden[1], variable=True)
    c = writer.tensor("c", (1, units), np.int16, scale=2.0**-cell_bits, variable=True)
    scales = rng.uniform(0.01, 0.03, 8) * gain
    filters = [
        writer.constant(
            f"filter{i}",
            rng.integers(-127, 128, (units, depth if i < 4 else units)).astype(np.int8),
            scale=scales[i],
        )
        for i in range(8)
    ]
    biases = [
        writer.constant(
            f"bias{i}",
            rng.integers(-2000, 2000, units).astype(np.int64 if dtype is np.int16 else np.int32),
            scale=source[0] * scales[i],
        )
        for i in range(4)
    ]
    writer.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        [x, *filters, None, None, None, *biases, None, None, h, c, None, None, None, None],
        [y],
        "UnidirectionalSequenceLSTMOptions",
        fusedActivationFunction=4,
        cellClip=clip,
        timeMajor=time_major,
    )
    return writer.build([x], [y])


def joined(
    builtin: str,
    shapes: Sequence[Shape],
    shape: Shape,
    axis: int,
    quantization: Quant = (0.1, 4),
    dtype: type = np.int8,
) -> bytes:
    """CONCATENATION or PACK of several inputs."""
    writer = TfliteWriter()
    scale, zero_point = quantization
    given = [
        writer.tensor(f"x{i}", s, dtype, scale=scale, zero_point=zero_point)
        for i, s in enumerate(shapes)
    ]
    y = writer.tensor("y", shape, dtype, scale=scale, zero_point=zero_point)
    if builtin == "PACK":
        writer.op("PACK", given, [y], "PackOptions", axis=axis, valuesCount=len(given))
    else:
        writer.op("CONCATENATION", given, [y], "ConcatenationOptions", axis=axis)
    return writer.build(given, [y])


def _window_cases(kind: str, build: Callable[..., bytes]) -> dict[str, bytes]:
    """Edge cases that convolution and depthwise convolution share."""
    made = {
        "1x1": build(image=(1, 1, 1, 1), **_size(kind, 1, 1)),
        "stride-over-kernel": build(image=(1, 7, 8, 2), stride=(3, 4), **_size(kind, 2, 1)),
        "even-kernel-same": build(image=(1, 5, 4, 3), **_size(kind, 4, 2)),
        "asymmetric-padding": build(image=(1, 9, 4, 3), stride=(2, 3), **_size(kind, 4, 3)),
        "kernel-over-image": build(image=(1, 2, 3, 2), **_size(kind, 5, 5)),
        "valid": build(image=(1, 7, 5, 3), padding="VALID", **_size(kind, 3, 2)),
        "valid-whole-image": build(image=(1, 4, 3, 5), padding="VALID", **_size(kind, 4, 3)),
        "dilation": build(image=(1, 9, 8, 3), dilation=(2, 3), **_size(kind, 3, 2)),
        "dilation-valid": build(
            image=(1, 9, 8, 3), dilation=(3, 2), padding="VALID", **_size(kind, 2, 3)
        ),
        "zero-points-low": build(source=(0.05, -128), zero_point=-128, activation="relu"),
        "zero-points-high": build(source=(0.05, 127), zero_point=127),
        "relu6": build(activation="relu6", zero_point=-20),
        "relu-n1-to-1": build(activation="relu_n1_to_1"),
        "per-tensor": build(per_channel=False),
        "no-bias": build(bias=False),
        "extreme-weights": build(weights="extreme"),
        "zero-weights": build(weights="zero"),
        "lowest-weights": build(weights="lowest"),
        "one-channel": build(image=(1, 5, 5, 1)),
        "odd-channels": build(image=(1, 4, 4, 7)),
        "wide-channels": build(image=(1, 3, 2, 33)),
        "one-row": build(image=(1, 1, 20, 4), **_size(kind, 1, 5)),
        "one-column": build(image=(1, 20, 1, 4), padding="VALID", **_size(kind, 5, 1)),
    }
    return {f"{kind}-{name}": data for name, data in made.items()}


def _size(kind: str, height: int, width: int) -> dict[str, Any]:
    return {"filters": (height, width) if kind == "depthwise_conv2d" else (5, height, width)}


def cases() -> dict[str, bytes]:
    """Return every edge case: its name, which starts with the op's kind, and the model."""
    made = _window_cases("conv2d", conv2d) | _window_cases("depthwise_conv2d", depthwise_conv2d)
    low, mid, high = (0.05, -128), (0.05, 3), (0.05, 127)
    made |= {
        "conv2d-pointwise": conv2d((1, 5, 3, 16), (24, 1, 1)),
        "conv2d-pointwise-stride": conv2d((1, 5, 4, 6), (3, 1, 1), stride=(2, 2)),
        "conv2d-upscale": conv2d(output_scale=1e-5),
        "conv2d-first-layer": conv2d((1, 49, 10, 1), (8, 10, 4), stride=(2, 2), activation="relu"),
        "depthwise_conv2d-multiplier": depthwise_conv2d(multiplier=3),
        "depthwise_conv2d-multiplier-one-channel": depthwise_conv2d(
            (1, 9, 8, 1), (4, 3), multiplier=8, stride=(2, 2), activation="relu"
        ),
        "fully_connected-per-tensor": fully_connected(),
        "fully_connected-per-channel": fully_connected(per_channel=True),
        "fully_connected-no-bias": fully_connected(bias=False),
        "fully_connected-lowest": fully_connected((1, 9), 6, weights="lowest"),
        "fully_connected-one": fully_connected((1, 1), 1),
        "fully_connected-image": fully_connected((1, 3, 4, 2), 5, depth=24, activation="relu"),
        "fully_connected-rows": fully_connected((3, 7), 5, zero_point=-128, activation="relu6"),
        "fully_connected-keep-dims": fully_connected((1, 2, 9), 3, keep_dims=True),
        "fully_connected-low": fully_connected((1, 33), 2, source=low, zero_point=127),
        "fully_connected-high": fully_connected((1, 33), 2, source=high, weights="extreme"),
    }
    for builtin in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        kind = builtin.lower().replace("_2d", "2d")
        made |= {
            f"{kind}-overlapping": pool2d(builtin),
            f"{kind}-whole-image": pool2d(builtin, (1, 25, 5, 9), (25, 5), stride=(25, 5)),
            f"{kind}-same": pool2d(builtin, (1, 5, 4, 3), (3, 3), stride=(2, 2), padding="SAME"),
            f"{kind}-1x1": pool2d(builtin, (1, 1, 1, 1), (1, 1)),
            f"{kind}-stride-over-window": pool2d(builtin, (1, 9, 9, 2), (2, 1), stride=(4, 3)),
            f"{kind}-relu": pool2d(builtin, source=(0.05, -10), activation="relu"),
            f"{kind}-relu6": pool2d(builtin, source=high, activation="relu6", padding="SAME"),
            f"{kind}-low": pool2d(builtin, source=low),
        }
    for axes, keep in (((1, 2), False), ((1, 2), True), ((-1,), False), ((1,), True)):
        name = f"mean-{'-'.join(map(str, axes))}{'-keep' if keep else ''}"
        made[name] = mean((1, 5, 7, 3), axes, mid, (0.04, -9), keep=keep)
    made["mean-same-scale"] = mean((1, 25, 5, 4), (1, 2), low, low)
    made["mean-all"] = mean((1, 3, 4, 5), (1, 2, 3), high, (0.01, -128))
    made |= _shape_cases(mid) | _lookup_cases() | _binary_cases() | _lstm_cases()
    for builtin in ("REDUCE_MAX", "REDUCE_MIN"):
        for axes, keep in (((1, 2), False), ((1,), True), ((-1,), False), ((1, 3), False)):
            name = f"{builtin.lower()}-{'-'.join(map(str, axes))}"
            made[name] = extreme(builtin, (1, 5, 7, 3), axes, keep=keep)
        made[f"{builtin.lower()}-all"] = extreme(builtin, (1, 3, 4, 5), (1, 2, 3), high)
    made |= _more_cases() | {
        "read_variable-before": variable(),
        "read_variable-after": variable(late_read=True),
        "assign_variable-no-first": variable(first=False),
    }
    for name, depth, scale, dtype in (
        ("softmax-12", 12, 0.1, np.int8),
        ("softmax-one", 1, 0.1, np.int8),
        ("softmax-flat", 5, 0.001, np.int8),
        ("softmax-steep", 30, 1.5, np.int8),
        ("softmax-int16", 7, 0.08, np.int16),
    ):
        result = (1 / 256, -128) if dtype is np.int8 else (1 / 65536, -32768)
        made[name] = softmax((3, depth), scale, result, dtype=dtype)
    return made


def softmax(
    shape: Shape, scale: float, result: Quant = (1 / 256, -128), *, dtype: type = np.int8
) -> bytes:
    """SOFTMAX over the last axis."""
    return unary(
        "SOFTMAX", shape, (scale, 5), result, dtype=dtype, options="SoftmaxOptions", beta=1.0
    )


def mean(
    shape: Shape,
    axes: Sequence[int],
    source: Quant,
    result: Quant,
    *,
    keep: bool = False,
    **types: type,
) -> bytes:
    """MEAN over `axes`."""
    dropped = {axis % len(shape) for axis in axes}
    out = [1 if i in dropped else n for i, n in enumerate(shape) if keep or i not in dropped]
    return unary(
        "MEAN",
        shape,
        source,
        result,
        shape=out,
        parameters=[list(axes)],
        options="ReducerOptions",
        keepDims=keep,
        **types,
    )


def extreme(
    builtin: str, shape: Shape, axes: Sequence[int], q: Quant = (0.05, 3), *, keep: bool = False
) -> bytes:
    """REDUCE_MAX or REDUCE_MIN over `axes`."""
    dropped = {axis % len(shape) for axis in axes}
    out = [1 if i in dropped else n for i, n in enumerate(shape) if keep or i not in dropped]
    options = {"options": "ReducerOptions", "keepDims": keep}
    return unary(builtin, shape, q, q, shape=out, parameters=[list(axes)], **options)


def strided_slice(
    shape: Shape,
    begin: Shape,
    end: Shape,
    stride: Shape,
    out: Shape,
    quantization: Quant = (0.1, 4),
    **masks: int,
) -> bytes:
    """STRIDED_SLICE with the masks that `masks` names as the schema does."""
    return unary(
        "STRIDED_SLICE",
        shape,
        quantization,
        quantization,
        shape=out,
        parameters=[list(begin), list(end), list(stride)],
        options="StridedSliceOptions",
        **{"beginMask": 0, "endMask": 0, "shrinkAxisMask": 0, **masks},
    )


def _shape_cases(q: Quant) -> dict[str, bytes]:
    def move(builtin: str, source: Shape, shape: Shape, *parameters: Any, **rest: Any) -> bytes:
        return unary(builtin, source, q, q, shape=shape, parameters=parameters, **rest)

    split = {"options": "SplitOptions", "numSplits": 3, "outputs": 3, "parameters_first": True}
    unpack = {"options": "UnpackOptions", "outputs": 4}
    return {
        "reshape-flatten": move("RESHAPE", (1, 2, 3, 4), (1, 24), [-1, 24]),
        "squeeze-ones": move("SQUEEZE", (1, 1, 5), (5,)),
        "expand_dims-last": move("EXPAND_DIMS", (1, 5), (1, 5, 1), [-1]),
        "pad-image": move("PAD", (1, 3, 4, 2), (1, 6, 4, 2), [[0, 0], [1, 2], [0, 0], [0, 0]]),
        "pad-all": move("PAD", (1, 3, 2), (3, 5, 5), [[1, 1], [2, 0], [0, 3]]),
        "concatenation-channels": joined(
            "CONCATENATION", [(1, 3, 2), (1, 3, 5), (1, 3, 1)], (1, 3, 8), -1
        ),
        "concatenation-time": joined("CONCATENATION", [(1, 2, 4), (1, 6, 4)], (1, 8, 4), 1),
        "pack-first": joined("PACK", [(2, 3), (2, 3)], (2, 2, 3), 0),
        "pack-last": joined("PACK", [(2, 3), (2, 3), (2, 3)], (2, 3, 3), -1),
        "unpack-first": move("UNPACK", (4, 3), (3,), axis=0, num=4, **unpack),
        "unpack-last": move("UNPACK", (2, 3, 4), (2, 3), axis=-1, num=4, **unpack),
        "transpose-image": move("TRANSPOSE", (1, 3, 4, 5), (1, 5, 3, 4), [0, 3, 1, 2]),
        "transpose-matrix": move("TRANSPOSE", (3, 4), (4, 3), [1, 0]),
        "slice-middle": move("SLICE", (1, 6, 5), (1, 3, 2), [0, 2, 1], [1, 3, 2]),
        "slice-rest": move("SLICE", (1, 6, 5), (1, 4, 5), [0, 2, 0], [-1, -1, -1]),
        "split-channels": move("SPLIT", (1, 2, 9), (1, 2, 3), -1, **split),
        "split-time": move("SPLIT", (1, 6, 2), (1, 2, 2), 1, **split),
        "strided_slice-last-rows": strided_slice(
            (1, 7, 3), (0, -2, 0), (0, 0, 0), (1, 1, 1), (1, 2, 3), beginMask=5, endMask=7
        ),
        "strided_slice-steps": strided_slice(
            (1, 7, 5), (0, 1, 4), (1, 7, 0), (1, 3, -2), (1, 2, 2)
        ),
        "strided_slice-shrink": strided_slice(
            (1, 7, 5), (0, -1, 0), (1, 0, 5), (1, 1, 1), (1, 5), shrinkAxisMask=2
        ),
    }


def _lookup_cases() -> dict[str, bytes]:
    made = {}
    shape = (1, 256)
    for name, source, result in (
        ("finer", (0.05, 3), (0.021, -7)),
        ("coarser", (0.05, -128), (0.31, 127)),
        ("same", (0.05, 3), (0.05, 3)),
        ("shifted", (0.05, 3), (0.05, -4)),
    ):
        made[f"quantize-{name}"] = unary("QUANTIZE", shape, source, result)
        made[f"relu-{name}"] = unary("RELU", shape, source, result)
        made[f"leaky_relu-{name}"] = unary(
            "LEAKY_RELU", shape, source, result, options="LeakyReluOptions", alpha=0.3
        )
    made["leaky_relu-negative"] = unary(
        "LEAKY_RELU", shape, (0.05, 3), (0.04, 1), options="LeakyReluOptions", alpha=-0.7
    )
    made["leaky_relu-negative-ties"] = unary(  # every odd input ends halfway between two outputs
        "LEAKY_RELU", shape, (0.05, 3), (0.05, 1), options="LeakyReluOptions", alpha=-0.5
    )
    for zero_point in (-128, 0, 100):
        q = (0.06, zero_point)
        made[f"relu6-{zero_point}"] = unary("RELU6", shape, q, q)
    for scale in (0.0001, 0.03, 0.5, 7.0):
        made[f"logistic-{scale}"] = unary("LOGISTIC", shape, (scale, 9), (1 / 256, -128))
        made[f"tanh-{scale}"] = unary("TANH", shape, (scale, -9), (1 / 128, 0))
    for name, source, result in (
        ("narrow", (0.02, 3), (0.019, -100)),
        ("wide", (0.5, -20), (0.4, 8)),
        ("tiny", (0.0005, 0), (0.0004, 0)),
    ):
        made[f"hard_swish-{name}"] = unary("HARD_SWISH", shape, source, result)
    return made


def _binary_cases() -> dict[str, bytes]:
    made = {}
    a, b, c = (0.05, 3), (0.031, -77), (0.09, -11)
    for builtin in ("ADD", "SUB", "MUL"):
        result = (0.011, -11) if builtin == "MUL" else c
        kind = builtin.lower()
        image = (1, 4, 3, 5)
        made |= {
            f"{kind}-same-shape": binary(builtin, image, image, a, b, result),
            f"{kind}-relu": binary(builtin, image, image, a, b, result, activation="relu"),
            f"{kind}-scalar": binary(builtin, image, (), a, b, result, constant=True),
            f"{kind}-channels": binary(builtin, image, (5,), a, b, result, constant=True),
            f"{kind}-broadcast": binary(builtin, (1, 4, 1, 5), (3, 1), a, b, result),
            f"{kind}-first-broadcast": binary(builtin, (1, 1, 5), (4, 5), a, b, result),
            f"{kind}-extreme": binary(
                builtin, (1, 300), (1, 300), (0.1, -128), (0.0007, 127), (0.03, 127)
            ),
        }
    for builtin in ("MINIMUM", "MAXIMUM"):
        kind = builtin.lower()
        made[f"{kind}-same-shape"] = binary(builtin, (1, 4, 6), (1, 4, 6), a, a, a)
        made[f"{kind}-channels"] = binary(builtin, (1, 4, 6), (6,), a, a, a, constant=True)
    return made


def variable(
    *,
    first: bool = True,
    late_read: bool = False,
    quantization: Quant = (0.05, -9),
) -> bytes:
    """A ring buffer of 3 rows in a variable: read, joined with the input, cut, assigned.

    With `late_read` a second read follows the assignment, and the first read is used after it.
    """
    writer = TfliteWriter()
    quant = {"scale": quantization[0], "zero_point": quantization[1]}
    rows = np.arange(-6, 6, dtype=np.int8).reshape(1, 3, 4)
    x = writer.tensor("x", (1, 2, 4), np.int8, **quant)
    handle = writer.variable("ring", rows if first else None, **quant)
    old = writer.tensor("old", (1, 3, 4), np.int8, **quant)
    joined_rows = writer.tensor("joined", (1, 5, 4), np.int8, **quant)
    kept = writer.tensor("kept", (1, 3, 4), np.int8, **quant)
    begin, size = (writer.constant(n, np.array(v, np.int32)) for n, v in _RING_SLICE)
    writer.op("READ_VARIABLE", [handle], [old], "ReadVariableOptions")
    writer.op("CONCATENATION", [old, x], [joined_rows], "ConcatenationOptions", axis=1)
    writer.op("SLICE", [joined_rows, begin, size], [kept], "SliceOptions")
    writer.op("ASSIGN_VARIABLE", [handle, kept], [], "AssignVariableOptions")
    if not late_read:
        return writer.build([x], [joined_rows])
    new = writer.tensor("new", (1, 3, 4), np.int8, **quant)
    total = writer.tensor("total", (1, 3, 4), np.int8, scale=0.1)
    writer.op("READ_VARIABLE", [handle], [new], "ReadVariableOptions")
    writer.op("SUB", [new, old], [total], "SubOptions")
    return writer.build([x], [total, new])


_RING_SLICE = (("begin", [0, 2, 0]), ("size", [1, 3, 4]))


def split_v(shape: Shape, sizes: Sequence[int], axis: int, q: Quant = (0.05, 3)) -> bytes:
    """SPLIT_V into parts of `sizes` along `axis`."""
    writer = TfliteWriter()
    x = writer.tensor("x", shape, np.int8, scale=q[0], zero_point=q[1])
    constants = [
        writer.constant("sizes", np.array(sizes, np.int32)),
        writer.constant("axis", np.array(axis, np.int32)),
    ]
    parts = []
    for i, size in enumerate(sizes):
        part = list(shape)
        part[axis] = size
        parts.append(writer.tensor(f"y{i}", part, np.int8, scale=q[0], zero_point=q[1]))
    writer.op("SPLIT_V", [x, *constants], parts, "SplitVOptions", numSplits=len(sizes))
    return writer.build([x], parts)


def padv2(value: int, q: Quant = (0.05, 3)) -> bytes:
    """PADV2 of an image with `value`."""
    writer = TfliteWriter()
    quant = {"scale": q[0], "zero_point": q[1]}
    x = writer.tensor("x", (1, 3, 4, 2), np.int8, **quant)
    y = writer.tensor("y", (1, 6, 5, 2), np.int8, **quant)
    sizes = writer.constant("sizes", np.array([[0, 0], [1, 2], [0, 1], [0, 0]], np.int32))
    fill = writer.constant("fill", np.array([value], np.int8), **quant)
    writer.op("PADV2", [x, sizes, fill], [y], "PadV2Options")
    return writer.build([x], [y])


def prelu(shape: Shape, slopes: Shape, source: Quant, slope: Quant, result: Quant) -> bytes:
    """PRELU with random slopes."""
    writer = TfliteWriter()
    x = writer.tensor("x", shape, np.int8, scale=source[0], zero_point=source[1])
    values = np.random.default_rng(0).integers(-128, 128, slopes).astype(np.int8)
    a = writer.constant("slope", values, scale=slope[0], zero_point=slope[1])
    y = writer.tensor("y", shape, np.int8, scale=result[0], zero_point=result[1])
    writer.op("PRELU", [x, a], [y])
    return writer.build([x], [y])


def resize(before: Shape, after: Shape, **values: bool) -> bytes:
    """RESIZE_NEAREST_NEIGHBOR to (height, width)."""
    q, shape = (0.05, 3), (1, *after, before[3])
    return unary(
        "RESIZE_NEAREST_NEIGHBOR",
        before,
        q,
        q,
        shape=shape,
        parameters=[list(after)],
        options="ResizeNearestNeighborOptions",
        **values,
    )


def svdf(
    depth: int = 6,
    units: int = 4,
    rank: int = 1,
    memory: int = 5,
    *,
    source: Quant = (0.05, 3),
    state_scale: float = 0.001,
) -> bytes:
    """SVDF with random filters."""
    rng, writer = np.random.default_rng(0), TfliteWriter()
    filters = units * rank
    x = writer.tensor("x", (1, depth), np.int8, scale=source[0], zero_point=source[1])
    y = writer.tensor("y", (1, units), np.int8, scale=0.08, zero_point=-128)
    values = rng.integers(-127, 128, (filters, depth)).astype(np.int8)
    feature = writer.constant("feature", values, scale=0.01)
    values = rng.integers(-3000, 3000, (filters, memory)).astype(np.int16)
    time = writer.constant("time", values, scale=0.0002)
    state = writer.tensor("s", (1, filters * memory), np.int16, scale=state_scale, variable=True)
    offsets = rng.integers(-(1 << 20), 1 << 20, units).astype(np.int32)
    b = writer.constant("bias", offsets, scale=state_scale * 0.0002)
    options = {"rank": rank, "fusedActivationFunction": ACTIVATION["relu"]}
    writer.op("SVDF", [x, feature, time, b, state], [y], "SVDFOptions", **options)
    return writer.build([x], [y])


def transpose_conv(
    image: Shape = (1, 3, 4, 3),
    filters: Shape = (4, 3, 3),
    stride: Shape = (2, 2),
    *,
    padding: str = "SAME",
    source: Quant = (0.05, 3),
    bias: bool = True,
    per_channel: bool = True,
) -> bytes:
    """TRANSPOSE_CONV: `filters` is (output channels, height, width)."""
    linear = _Linear(
        0,
        (*filters, image[3]),
        0,
        per_channel=per_channel,
        bias=bias,
        source=source,
        weights="random",
    )
    more = [max(0, filters[1 + i] - stride[i]) if padding == "VALID" else 0 for i in (0, 1)]
    out = (1, *(image[1 + i] * stride[i] + more[i] for i in (0, 1)), filters[0])
    writer = TfliteWriter()
    shape = writer.constant("shape", np.array(out, np.int32))
    x = writer.tensor("x", image, np.int8, scale=source[0], zero_point=source[1])
    weights, *rest = linear.add(writer, source, 0)
    y = writer.tensor("y", out, np.int8, scale=linear.output_scale, zero_point=-5)
    writer.op(
        "TRANSPOSE_CONV",
        [shape, weights, x, *rest],
        [y],
        "TransposeConvOptions",
        padding=PADDING[padding],
        strideH=stride[0],
        strideW=stride[1],
    )
    return writer.build([x], [y])


def from_uint8(source: Quant, result: Quant) -> bytes:
    """QUANTIZE of a uint8 input to int8, and a RELU of that."""
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 256), np.uint8, scale=source[0], zero_point=source[1])
    a = writer.tensor("a", (1, 256), np.int8, scale=result[0], zero_point=result[1])
    y = writer.tensor("y", (1, 256), np.int8, scale=result[0], zero_point=result[1])
    writer.op("QUANTIZE", [x], [a])
    writer.op("RELU", [a], [y])
    return writer.build([x], [a, y])


def float_ends() -> bytes:
    """A RELU with float input and output: QUANTIZE before, DEQUANTIZE behind."""
    writer = TfliteWriter()
    x, y = (writer.tensor(name, (1, 256), np.float32) for name in "xy")
    a = writer.tensor("a", (1, 256), np.int8, scale=0.05, zero_point=3)
    b = writer.tensor("b", (1, 256), np.int8, scale=0.03, zero_point=-7)
    writer.op("QUANTIZE", [x], [a])
    writer.op("RELU", [a], [b])
    writer.op("DEQUANTIZE", [b], [y])
    return writer.build([x], [y])


def _more_cases() -> dict[str, bytes]:
    a, image = (0.05, 3), (1, 4, 3, 5)
    made = {
        f"quantize-uint8-{name}": unary("QUANTIZE", (1, 256), source, result, dtype=np.uint8)
        for name, source, result in (
            ("shifted", (1 / 256, -128), (1 / 256, 0)),
            ("finer", (0.05, 3), (0.021, 200)),
        )
    }
    return made | {
        "quantize-float-ends": float_ends(),
        "quantize-from-uint8": from_uint8((0.05, 131), (0.05, 3)),
        "quantize-from-uint8-coarser": from_uint8((0.05, 0), (0.11, -100)),
        "transpose_conv-same": transpose_conv(),
        "transpose_conv-valid": transpose_conv(padding="VALID", source=(0.05, -128)),
        "transpose_conv-one": transpose_conv((1, 1, 1, 1), (1, 1, 1), (1, 1)),
        "transpose_conv-even": transpose_conv((1, 4, 3, 2), (3, 4, 2), (2, 1), bias=False),
        "transpose_conv-wide-stride": transpose_conv((1, 3, 3, 2), (3, 2, 2), (3, 3)),
        "transpose_conv-high": transpose_conv(source=(0.05, 127), per_channel=False),
        "svdf-rank-1": svdf(),
        "svdf-rank-2": svdf(9, 3, 2, 4, source=(0.04, -128)),
        "svdf-high": svdf(7, 5, 1, 3, source=(0.04, 127)),
        "svdf-one": svdf(1, 1, 1, 1),
        "svdf-saturated": svdf(state_scale=0.00001),
        "split_v-channels": split_v((1, 3, 7), (1, 4, 2), 2),
        "split_v-time": split_v((1, 6, 3), (5, 1), 1),
        "padv2-low": padv2(-128),
        "padv2-other": padv2(77),
        "prelu-channels": prelu(image, (1, 1, 5), a, (0.01, -3), (0.04, -5)),
        "prelu-all": prelu(image, (4, 3, 5), (0.05, -128), (0.003, 127), (0.06, -128)),
        "prelu-one": prelu((1, 300), (1, 1), (0.05, 127), (0.02, 0), (0.01, 127)),
        "resize_nearest_neighbor-twice": resize((1, 3, 4, 3), (6, 8)),
        "resize_nearest_neighbor-odd": resize((1, 5, 3, 2), (7, 2)),
        "resize_nearest_neighbor-corners": resize((1, 5, 3, 2), (8, 7), alignCorners=True),
        "resize_nearest_neighbor-one": resize((1, 5, 3, 1), (1, 1), alignCorners=True),
        "resize_nearest_neighbor-centers": resize((1, 5, 3, 2), (8, 7), halfPixelCenters=True),
    }


def _lstm_cases() -> dict[str, bytes]:
    made = {
        "one-step": lstm(1),
        "one-unit": lstm(2, 1, 1),
        "steps": lstm(7, 5, 6, source=(0.03, -128), hidden=(0.007, -4)),
        "time-major": lstm(5, 3, 9, time_major=True),
        "clipped": lstm(6, 5, 4, clip=1.5, gain=3),
        "saturated": lstm(6, 9, 5, source=(0.3, 127), hidden=(1 / 128, 127), gain=20),
        "coarse-cell": lstm(6, 5, 3, cell_bits=9, gain=3, clip=10),
        "fine-cell": lstm(6, 5, 3, cell_bits=15),
        "weak": lstm(4, 5, 3, gain=0.001),
    }
    return {f"unidirectional_sequence_lstm-{name}": data for name, data in made.items()}
