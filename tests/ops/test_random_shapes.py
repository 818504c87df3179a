"""Random shapes and parameters: the numpy reference equals the golden interpreter."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
import hypothesis.strategies as st
import numpy as np
import single_op

Agree = Callable[..., None]

# `agree` is session-wide and keeps no state that an example could leave behind
quick = hypothesis.settings(
    max_examples=40, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)

sizes = st.integers(1, 6)
lengths = st.integers(1, 12)
zero_points = st.sampled_from([-128, -1, 0, 5, 127])
scales = st.sampled_from([0.0007, 0.02, 0.05, 0.3])
activations = st.sampled_from(sorted(single_op.ACTIVATION))
seeds = st.integers(0, 1 << 16)


@st.composite
def convolutions(draw: st.DrawFn) -> dict:
    """Parameters that convolution and depthwise convolution share."""
    window = (draw(sizes), draw(sizes))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    span = [(size - 1) * step + 1 for size, step in zip(window, dilation, strict=True)]
    least = span if padding == "VALID" else [1, 1]
    image = (1, least[0] + draw(lengths) - 1, least[1] + draw(lengths) - 1, draw(sizes))
    return {
        "image": image,
        "filters": window,
        "dilation": dilation,
        "padding": padding,
        "stride": (draw(sizes), draw(sizes)),
        "activation": draw(activations),
        "source": (draw(scales), draw(zero_points)),
        "zero_point": draw(zero_points),
        "per_channel": draw(st.booleans()),
        "bias": draw(st.booleans()),
        "seed": draw(seeds),
    }


@quick
@hypothesis.given(parameters=convolutions(), channels=sizes)
def test_conv2d(parameters: dict, channels: int, agree: Agree) -> None:
    """Any stride, dilation, padding, quantization and fused activation."""
    window = parameters.pop("filters")
    agree(single_op.conv2d(filters=(channels, *window), **parameters), rows=4)


@quick
@hypothesis.given(parameters=convolutions(), multiplier=st.integers(1, 4))
def test_depthwise_conv2d(parameters: dict, multiplier: int, agree: Agree) -> None:
    """As convolution, with any depth multiplier."""
    agree(single_op.depthwise_conv2d(multiplier=multiplier, **parameters), rows=4)


@quick
@hypothesis.given(
    rows=sizes,
    depth=st.integers(1, 70),
    units=lengths,
    per_channel=st.booleans(),
    bias=st.booleans(),
    source=st.tuples(scales, zero_points),
    zero_point=zero_points,
    activation=activations,
    seed=seeds,
)
def test_fully_connected(rows: int, depth: int, agree: Agree, **parameters: object) -> None:
    """Any number of rows, units and inputs; one scale or one per unit."""
    agree(single_op.fully_connected((rows, depth), **parameters), rows=4)  # type: ignore[arg-type]


@quick
@hypothesis.given(
    builtin=st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D"]),
    window=st.tuples(sizes, sizes),
    more=st.tuples(lengths, lengths),
    channels=sizes,
    stride=st.tuples(sizes, sizes),
    padding=st.sampled_from(["SAME", "VALID"]),
    activation=activations,
    source=st.tuples(scales, zero_points),
)
def test_pool2d(
    builtin: str,
    window: tuple[int, int],
    more: tuple[int, int],
    channels: int,
    agree: Agree,
    **parameters: object,
) -> None:
    """Any window, stride and padding."""
    least = window if parameters["padding"] == "VALID" else (1, 1)
    image = (1, least[0] + more[0] - 1, least[1] + more[1] - 1, channels)
    agree(single_op.pool2d(builtin, image, window, **parameters), rows=4)  # type: ignore[arg-type]


@quick
@hypothesis.given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    data=st.data(),
    source=st.tuples(scales, zero_points),
    result=st.tuples(scales, zero_points),
    keep=st.booleans(),
)
def test_mean(
    shape: list[int],
    data: st.DataObject,
    source: tuple[float, int],
    result: tuple[float, int],
    keep: bool,
    agree: Agree,
) -> None:
    """Any axes, kept or dropped, and any two scales."""
    # TFLM reduces over at most two axes of its own stack
    axes = data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1, max_size=2))
    agree(single_op.mean(shape, sorted(axes), source, result, keep=keep))


@quick
@hypothesis.given(
    builtin=st.sampled_from(["ADD", "SUB", "MUL"]),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    ones=st.tuples(st.integers(0, 15), st.integers(0, 15)),
    first=st.tuples(scales, zero_points),
    second=st.tuples(scales, zero_points),
    result=st.tuples(scales, zero_points),
    constant=st.booleans(),
    activation=activations,
)
def test_elementwise(
    builtin: str, shape: list[int], ones: tuple[int, int], agree: Agree, **parameters: object
) -> None:
    """Any two shapes that broadcast, any three scales."""
    shapes = [[1 if mask >> axis & 1 else size for axis, size in enumerate(shape)] for mask in ones]
    agree(single_op.binary(builtin, *shapes, **parameters))  # type: ignore[arg-type]


@quick
@hypothesis.given(
    builtin=st.sampled_from(["RELU", "QUANTIZE"]),
    source=st.tuples(st.floats(1e-6, 10.0), zero_points),
    result=st.tuples(st.floats(1e-6, 10.0), zero_points),
)
def test_rescaling(
    builtin: str, source: tuple[float, int], result: tuple[float, int], agree: Agree
) -> None:
    """Any two scales up to a factor of ten million."""
    hypothesis.assume(source[0] / result[0] < 1 << 22)
    agree(single_op.unary(builtin, (1, 256), source, result))


@quick
@hypothesis.given(
    builtin=st.sampled_from(["LOGISTIC", "TANH"]),
    scale=st.floats(1e-7, 100.0),
    zero_point=zero_points,
)
def test_sigmoids(builtin: str, scale: float, zero_point: int, agree: Agree) -> None:
    """Any input scale, saturated ones included."""
    result = (1 / 256, -128) if builtin == "LOGISTIC" else (1 / 128, 0)
    agree(single_op.unary(builtin, (1, 256), (scale, zero_point), result))


@quick
@hypothesis.given(
    source=st.tuples(st.floats(1e-4, 2.0), zero_points),
    ratio=st.floats(0.01, 100.0),
    zero_point=zero_points,
)
def test_hard_swish(source: tuple[float, int], ratio: float, zero_point: int, agree: Agree) -> None:
    """Any scales that TFLM accepts."""
    agree(single_op.unary("HARD_SWISH", (1, 256), source, (source[0] * ratio, zero_point)))


@quick
@hypothesis.given(
    rows=sizes,
    depth=st.integers(1, 40),
    scale=st.floats(1e-5, 20.0),
    wide=st.booleans(),
)
def test_softmax(rows: int, depth: int, scale: float, wide: bool, agree: Agree) -> None:
    """Any number of classes and any input scale, to int8 and to int16."""
    result, dtype = ((1 / 65536, -32768), np.int16) if wide else ((1 / 256, -128), np.int8)
    agree(single_op.softmax((rows, depth), scale, result, dtype=dtype))
