"""The C of every op equals the numpy reference, which equals the golden interpreter."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import dsp_cases
import hypothesis
import hypothesis.strategies as st
import int16_cases
import pytest
import sanitized
import single_op

from tinykit.board import CORES
from tinykit.compiler import compile_model, lower, ops
from tinykit.compiler.lower import MODES

pytestmark = pytest.mark.host

CASES = single_op.cases() | int16_cases.cases()
DSP = {name: data for name, (_, data) in dsp_cases.cases().items()}
Exact = Callable[..., None]

few = hypothesis.settings(
    max_examples=6, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)


def _failures(
    models: Mapping[str, bytes], core: str, folder: Path, compiler: str = "gcc", first_mode: int = 0
) -> list[str]:
    """Run models under the sanitizers, one after the other for speed, balance and size."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    cases = {
        name: sanitized.Case(
            compile_model(data, CORES[core], MODES[(first_mode + number) % len(MODES)]),
            single_op.inputs(data, 5),
        )
        for number, (name, data) in enumerate(models.items())
    }
    return sanitized.failures(cases, folder, compiler)


def test_c_equals_reference(tmp_path: Path) -> None:
    """Every byte of every edge case, extremes and noise alike, under the sanitizers."""
    assert _failures(CASES, "cortex-m3", tmp_path) == []


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_dsp_kernels_equal_reference(compiler: str, tmp_path: Path) -> None:
    """A sample of the DSP kernels' cases: the host has their instructions in plain C."""
    sample = dict(list(DSP.items())[compiler == "clang" :: 5])
    assert _failures(sample, "cortex-m4f", tmp_path, compiler) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4f"])
@pytest.mark.parametrize("first_mode", range(len(MODES)))
def test_every_case_with_every_compiler(
    compiler: str, core: str, first_mode: int, tmp_path: Path
) -> None:
    """All cases, the DSP kernels' among them, in each mode, with gcc and clang."""
    assert _failures(CASES | DSP, core, tmp_path, compiler, first_mode) == []


def _broken(old: str, new: str) -> sanitized.Case:
    """Return a table look-up whose kernel says `new` instead of `old`."""
    compiled = compile_model(CASES["relu6-0"], CORES["cortex-m3"])
    kernel = compiled.sources["tk_table.h"]
    assert old in kernel
    sources = compiled.sources | {"tk_table.h": kernel.replace(old, new)}
    return sanitized.Case(
        dataclasses.replace(compiled, sources=sources), single_op.inputs(CASES["relu6-0"], 2)
    )


def test_a_wrong_number_is_found(tmp_path: Path) -> None:
    """With the names of the case and the op; the cases beside it are fine."""
    cases = {
        "right": _broken("i++", "++i"),
        "wrong": _broken("table[v + 128]", "table[v / 2 + 128]"),
    }
    assert sanitized.failures(cases, tmp_path)[0] == "wrong: inference 0, op 0"


def test_a_write_outside_is_found(tmp_path: Path) -> None:
    """The sanitizers stop the program; the error names the case."""
    cases = {"right": _broken("i++", "++i"), "outside": _broken("p->count;", "p->count + 64;")}
    with pytest.raises(AssertionError, match=r"^outside: .*overflow"):
        sanitized.failures(cases, tmp_path)


def test_every_op_has_a_portable_kernel() -> None:
    """No op can be read that no core can run."""
    for kind in (kind for kind, rule in ops.rules().items() if rule.builtin):
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
