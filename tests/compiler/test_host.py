"""Running generated C on the host: results, traces, sanitizers, and what can go wrong."""

from __future__ import annotations

import dataclasses
import signal
from types import FrameType

import networks
import numpy as np
import pytest

from tinykit.board import CORES
from tinykit.compiler import CompiledModel, compile_model, reference, toolchain
from tinykit.compiler.host import HostModel
from tinykit.errors import MismatchError, ToolError, UsageError

pytestmark = pytest.mark.host


def _inputs(compiled: CompiledModel, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = [compiled.graph.tensors[key].shape for key in compiled.graph.inputs]
    return [rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes]


@pytest.fixture(scope="module")
def compiled() -> CompiledModel:
    """A small DS-CNN."""
    return compile_model(networks.ds_cnn(), CORES["cortex-m3"])


@pytest.fixture(scope="module")
def two_ends() -> CompiledModel:
    """A network with two inputs and two outputs."""
    return compile_model(networks.two_ends(), CORES["cortex-m3"])


@pytest.mark.parametrize("sanitize", [False, True])
def test_results_and_trace_are_the_reference(compiled: CompiledModel, sanitize: bool) -> None:
    """Outputs, and each op's output in order, over several inferences."""
    with HostModel(compiled, sanitize=sanitize) as model:
        for seed in range(3):
            inputs = _inputs(compiled, seed)
            expected, tensors = reference.run(compiled.graph, inputs)
            np.testing.assert_array_equal(model.run(inputs)[0], expected[0])
            assert model.trace(inputs) == [
                (op.index, tensors[key].tobytes())
                for op in compiled.graph.ops
                for key in op.outputs
            ]


@pytest.mark.parametrize("sanitize", [False, True])
def test_several_inputs_and_outputs(two_ends: CompiledModel, sanitize: bool) -> None:
    """All inputs are written before the run, all outputs read after it."""
    inputs = _inputs(two_ends)
    expected, _ = reference.run(two_ends.graph, inputs)
    with HostModel(two_ends, sanitize=sanitize) as model:
        for output, value in zip(model.run(inputs), expected, strict=True):
            np.testing.assert_array_equal(output, value)


def test_instances_do_not_share_memory(compiled: CompiledModel) -> None:
    """Two models loaded side by side are two models."""
    with HostModel(compiled) as first, HostModel(compiled) as second:
        a, b = _inputs(compiled, 1), _inputs(compiled, 2)
        ours, theirs = first.run(a)[0], second.run(b)[0]
        np.testing.assert_array_equal(first.run(a)[0], ours)
        np.testing.assert_array_equal(second.run(b)[0], theirs)
        assert not np.array_equal(ours, theirs)


def test_sanitizers_find_an_access_outside_the_arena(compiled: CompiledModel) -> None:
    """The check is real: a kernel that writes past the end is caught and named."""
    broken = compiled.sources["tk_model.c"].replace(
        "tk_softmax_s8(",
        "arena[TK_MODEL_ARENA_BYTES + TK_MODEL_SCRATCH_BYTES + params.rows] = 1;"
        "\n    tk_softmax_s8(",
    )
    sources = compiled.sources | {"tk_model.c": broken}
    with (
        HostModel(dataclasses.replace(compiled, sources=sources), sanitize=True) as model,
        pytest.raises(MismatchError, match=r"sanitizers.*rror"),
    ):
        model.run(_inputs(compiled))


def test_wrong_shape_is_refused(compiled: CompiledModel) -> None:
    """With the tensor, what it is and what was given."""
    with HostModel(compiled) as model, pytest.raises(UsageError, match=r"\(1, 8, 6, 1\).*\(8, 6\)"):
        model.run([np.zeros((8, 6), np.int8)])


def test_wrong_dtype_is_refused(compiled: CompiledModel) -> None:
    """Floats are not quantized behind the caller's back."""
    with HostModel(compiled) as model, pytest.raises(UsageError, match=r"int8.*float32"):
        model.run([np.zeros((1, 8, 6, 1), np.float32)])


def test_wrong_number_of_inputs_is_refused(two_ends: CompiledModel) -> None:
    """With both numbers."""
    with HostModel(two_ends) as model, pytest.raises(UsageError, match="2 inputs, 1"):
        model.run(_inputs(two_ends)[:1])


def test_missing_compiler_is_named_with_its_package(
    compiled: CompiledModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint is a command that installs it."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="gcc is not on the PATH") as caught:
        HostModel(compiled)
    assert caught.value.hint.endswith(" gcc libc6-dev")


def test_code_that_does_not_compile_is_a_tool_error(compiled: CompiledModel) -> None:
    """With the compiler's first error, not a traceback."""
    sources = compiled.sources | {"tk_model.c": "int oops"}
    with pytest.raises(ToolError, match=r"failed with exit code 1: .*error"):
        HostModel(dataclasses.replace(compiled, sources=sources))


def test_compiler_can_be_chosen(compiled: CompiledModel) -> None:
    """gcc and clang give the same bytes."""
    try:
        toolchain.host_compiler("clang")
    except ToolError:
        pytest.skip("clang is not installed")
    inputs = _inputs(compiled)
    with HostModel(compiled, compiler="clang") as model:
        np.testing.assert_array_equal(
            model.run(inputs)[0], reference.run(compiled.graph, inputs)[0][0]
        )


def test_kernels_of_another_core_are_replaced(compiled: CompiledModel) -> None:
    """A model for a core with instructions of its own runs on the host all the same."""
    fast = compile_model(networks.ds_cnn(channels=8), CORES["cortex-m4f"])
    inputs = _inputs(fast)
    with HostModel(fast) as model:
        np.testing.assert_array_equal(model.run(inputs)[0], reference.run(fast.graph, inputs)[0][0])
    assert all(step.kernel.runs_on_host for step in fast.for_host().plan.steps)
    assert compiled.for_host() is compiled


def test_an_interruption_is_not_lost_in_the_model(compiled: CompiledModel) -> None:
    """Inferences run no Python inside the C, where ctypes would swallow the exception."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    inputs = _inputs(compiled)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with HostModel(compiled) as model:
            for _ in range(20):
                with pytest.raises(KeyboardInterrupt):
                    signal.setitimer(signal.ITIMER_REAL, 0.003)
                    for _ in range(100_000):
                        model.run(inputs)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
