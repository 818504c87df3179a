"""Whole public models: the C equals the golden interpreter in every tensor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.compiler.lower import MODES, Mode

pytestmark = [pytest.mark.public_models, pytest.mark.host]

MODELS = ("kws_ref", "ds_cnn_s", "micro_speech", "ad01", "str_ww", "dtln")


def _samples(shapes: list[tuple[int, ...]]) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(0)
    noise = [[rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes] for _ in "ab"]
    return noise + [[np.full(shape, value, np.int8) for shape in shapes] for value in (-128, 127)]


@pytest.mark.parametrize("name", MODELS)
def test_every_op_equals_golden(name: str, shared_models: Path) -> None:
    """Under the address and undefined-behaviour sanitizers, op by op, no byte differs.

    Tensors that lost channels have no counterpart in the interpreter.
    """
    data = (shared_models / f"{name}.tflite").read_bytes()
    compiled = compile_model(data, CORES["cortex-m3"], name=name)
    shapes = [compiled.graph.tensors[key].shape for key in compiled.graph.inputs]
    with Golden(data) as golden, HostModel(compiled, sanitize=True) as model:
        for inputs in _samples(shapes):
            expected = golden.tensors(inputs)
            trace = iter(model.trace(inputs))
            for op in compiled.graph.ops:
                for key in op.outputs:
                    index, given = next(trace)
                    if key in expected:
                        assert (index, given) == (op.index, expected[key].tobytes()), op


def test_dtln_keeps_its_state_like_golden(shared_models: Path) -> None:
    """500 frames through two recurrent layers; after a reset the first ones come again."""
    data = (shared_models / "dtln.tflite").read_bytes()
    compiled = compile_model(data, CORES["cortex-m3"], name="dtln")
    frames = np.random.default_rng(0).integers(-128, 128, (500, 1, 1, 257)).astype(np.int8)
    with Golden(data) as golden, HostModel(compiled) as model:
        (expected,) = golden.run_many([frames])
        np.testing.assert_array_equal([model.run([frame])[0] for frame in frames], expected)
        model.reset()
        np.testing.assert_array_equal([model.run([f])[0] for f in frames[:9]], expected[:9])
        assert (model.run([frames[0]])[0] != expected[0]).any()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_every_mode_gives_the_same_bytes(mode: Mode, compiler: str, shared_models: Path) -> None:
    """Speed, balanced and size differ in cost only, whatever the host's compiler."""
    data = (shared_models / "str_ww.tflite").read_bytes()
    compiled = compile_model(data, CORES["cortex-m3"], mode)
    (inputs, *_) = _samples([compiled.graph.tensors[key].shape for key in compiled.graph.inputs])
    with Golden(data) as golden, HostModel(compiled, compiler=compiler) as model:
        np.testing.assert_array_equal(model.run(inputs)[0], golden.run(inputs)[0])


def test_kws_ref_needs_little_more_than_one_tensor(shared_models: Path) -> None:
    """Depthwise and pointwise layers run in place: half the bound of two buffers, 16,000 B."""
    data = (shared_models / "kws_ref.tflite").read_bytes()
    plan = compile_model(data, CORES["cortex-m3"]).plan
    assert plan.optimal
    assert plan.total_bytes == plan.lower_bound_bytes == 8192
