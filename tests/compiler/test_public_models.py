"""Whole public models in numpy: every intermediate tensor equals the golden interpreter's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinykit.compiler import ops, passes, reference
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite

pytestmark = pytest.mark.public_models

MODELS = {  # name: multiply-accumulates of one inference, counted from the shapes in the file
    "kws_ref": 2_656_768,
    "ds_cnn_s": 2_656_768,
    "micro_speech": 336_000,
    "ad01": 264_192,
    "str_ww": 826_368,
}


@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_equals_golden(name: str, shared_models: Path) -> None:
    """Inputs of noise, silence and extremes: no byte of any tensor differs."""
    data = (shared_models / f"{name}.tflite").read_bytes()
    graph = read_tflite(data, name)
    rng = np.random.default_rng(0)
    shapes = [graph.tensors[key].shape for key in graph.inputs]
    samples = [[rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes]] * 3
    samples += [[np.full(shape, value, np.int8) for shape in shapes] for value in (-128, 0, 127)]
    with Golden(data) as golden:
        for inputs in samples:
            expected = golden.tensors(inputs)
            _, values = reference.run(graph, inputs)
            for op in graph.ops:
                for key in op.outputs:
                    np.testing.assert_array_equal(values[key], expected[key], err_msg=str(op))


@pytest.mark.parametrize("name", MODELS)
def test_passes_keep_every_output_byte(name: str, shared_models: Path) -> None:
    """What the passes make of a model computes the same."""
    graph = read_tflite((shared_models / f"{name}.tflite").read_bytes(), name)
    rng = np.random.default_rng(1)
    inputs = [
        rng.integers(-128, 128, graph.tensors[key].shape).astype(np.int8) for key in graph.inputs
    ]
    before, _ = reference.run(graph, inputs)
    after, _ = reference.run(passes.run(graph), inputs)
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(("name", "macs"), MODELS.items())
def test_macs(name: str, macs: int, shared_models: Path) -> None:
    """The cost of a model is the sum over its ops."""
    graph = read_tflite((shared_models / f"{name}.tflite").read_bytes(), name)
    assert sum(ops.rule(op).macs(graph, op) for op in graph.ops) == macs
