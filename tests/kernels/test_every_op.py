"""The C of every op equals the numpy reference, which equals the golden interpreter."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis
import hypothesis.strategies as st
import int16_cases
import pytest
import single_op

from tinykit.compiler import lower, ops

pytestmark = pytest.mark.host

CASES = single_op.cases() | int16_cases.cases()
Exact = Callable[..., None]

few = hypothesis.settings(
    max_examples=6, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", CASES)
def test_c_equals_reference(name: str, exact: Exact) -> None:
    """Every byte of every edge case, extremes and noise alike."""
    exact(CASES[name])


def test_every_op_has_a_portable_kernel() -> None:
    """No op can be read that no core can run."""
    for kind in ops.rules():
        assert any(kernel.variant == "portable" for kernel in lower.kernels(kind)), kind


sizes = st.integers(1, 5)


@st.composite
def convolutions(draw: st.DrawFn) -> dict:
    """Parameters that convolution and depthwise convolution share."""
    window = (draw(sizes), draw(sizes))
    dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    span = [(size - 1) * step + 1 for size, step in zip(window, dilation, strict=True)]
    least = span if padding == "VALID" else [1, 1]
    extra = st.integers(0, 9)
    return {
        "image": (1, least[0] + draw(extra), least[1] + draw(extra), draw(st.integers(1, 9))),
        "filters": window,
        "dilation": dilation,
        "padding": padding,
        "stride": (draw(sizes), draw(sizes)),
        "activation": draw(st.sampled_from(sorted(single_op.ACTIVATION))),
        "source": (0.02, draw(st.sampled_from([-128, 5, 127]))),
        "per_channel": draw(st.booleans()),
        "seed": draw(st.integers(0, 1 << 16)),
    }


@few
@hypothesis.given(parameters=convolutions(), channels=st.integers(1, 9))
def test_conv2d(parameters: dict, channels: int, exact: Exact) -> None:
    """Any geometry, under the sanitizers: the planner may lay the output over the input."""
    window = parameters.pop("filters")
    exact(single_op.conv2d(filters=(channels, *window), **parameters), rows=4, sanitize=True)


@few
@hypothesis.given(parameters=convolutions(), multiplier=st.integers(1, 3))
def test_depthwise_conv2d(parameters: dict, multiplier: int, exact: Exact) -> None:
    """Any geometry and multiplier, under the sanitizers, channel by channel and pixel by pixel."""
    exact(single_op.depthwise_conv2d(multiplier=multiplier, **parameters), rows=4, sanitize=True)


@few
@hypothesis.given(
    builtin=st.sampled_from(["ADD", "SUB", "MUL", "MAXIMUM"]),
    shape=st.lists(sizes, min_size=1, max_size=4),
    data=st.data(),
)
def test_broadcasting(builtin: str, shape: list[int], data: st.DataObject, exact: Exact) -> None:
    """Any pair of shapes that broadcast; the plain one may be overwritten."""
    ones = data.draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    second = [1 if one else size for one, size in zip(ones, shape, strict=True)]
    second = second[data.draw(st.integers(0, len(shape))) :]
    quant = (0.05, 3)
    same = builtin == "MAXIMUM"
    exact(
        single_op.binary(builtin, shape, second, quant, quant, quant if same else (0.11, -7)),
        rows=3,
        sanitize=True,
    )


@few
@hypothesis.given(data=st.data(), shape=st.lists(sizes, min_size=2, max_size=4))
def test_transpose(data: st.DataObject, shape: list[int], exact: Exact) -> None:
    """Any permutation of up to four axes."""
    order = data.draw(st.permutations(range(len(shape))))
    moved = [shape[axis] for axis in order]
    model = single_op.unary(
        "TRANSPOSE", shape, (0.05, 3), (0.05, 3), shape=moved, parameters=[order]
    )
    exact(model, rows=3, sanitize=True)


@few
@hypothesis.given(
    builtin=st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D"]),
    window=st.tuples(sizes, sizes),
    stride=st.tuples(sizes, sizes),
    padding=st.sampled_from(["SAME", "VALID"]),
    more=st.tuples(sizes, sizes),
)
def test_pool2d(
    builtin: str, window: tuple[int, int], more: tuple[int, int], exact: Exact, **options: object
) -> None:
    """Any window, in place as far as the planner dares."""
    image = (1, window[0] + more[0] - 1, window[1] + more[1] - 1, 3)
    exact(single_op.pool2d(builtin, image, window, **options), rows=3, sanitize=True)  # type: ignore[arg-type]
