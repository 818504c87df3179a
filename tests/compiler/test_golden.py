"""The golden interpreter's process: batches, state, and every way it can fail."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import single_op

from tinykit.compiler.golden import Golden
from tinykit.compiler.writer import TfliteWriter
from tinykit.errors import ModelError


def test_batches_equal_single_runs() -> None:
    """`run_many` is `run` row by row."""
    data = single_op.conv2d()
    [stacked] = single_op.inputs(data, rows=5)
    with Golden(data) as golden:
        [many] = golden.run_many([stacked])
        for row in range(5):
            [one] = golden.run([stacked[row]])
            np.testing.assert_array_equal(one, many[row])


def test_tensors_returns_constants_and_activations() -> None:
    """Every tensor that an op names comes back, by its number in the file."""
    data = single_op.fully_connected((1, 10), 4)
    [stacked] = single_op.inputs(data, rows=1)
    with Golden(data) as golden:
        tensors = golden.tensors([stacked[0]])
        [output] = golden.run([stacked[0]])
    assert sorted(tensors) == [0, 1, 2, 3]
    np.testing.assert_array_equal(tensors[0], stacked[0])
    np.testing.assert_array_equal(tensors[3], output)
    assert tensors[1].shape == (4, 10)


def test_load_replaces_the_model() -> None:
    """The same process serves one model after another."""
    with Golden(single_op.fully_connected((1, 10), 4)) as golden:
        golden.load(single_op.fully_connected((1, 3), 2))
        [output] = golden.run([np.zeros((1, 3), np.int8)])
        assert output.shape == (1, 2)


def test_models_larger_than_the_file_suggests() -> None:
    """The arena follows the tensors, not the file's size."""
    data = single_op.pool2d("MAX_POOL_2D", (1, 200, 100, 64), (2, 2))
    with Golden(data) as golden:
        [output] = golden.run([np.full((1, 200, 100, 64), 7, np.int8)])
    assert (output == 7).all()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([np.zeros((1, 3), np.int8)], "expected 10"),
        ([np.zeros((1, 10), np.float32)], "golden interpreter"),
        ([], "the model has 1 inputs"),
        ([np.zeros((1, 10), np.int8)] * 2, "the model has 1 inputs"),
    ],
)
def test_wrong_inputs_are_refused(inputs: list[np.ndarray], expected: str) -> None:
    """Shape, dtype and number of inputs are checked, and the process survives."""
    with Golden(single_op.fully_connected((1, 10), 4)) as golden:
        with pytest.raises(ModelError, match=expected):
            golden.run(inputs)
        golden.run([np.zeros((1, 10), np.int8)])


def test_no_rows_are_refused() -> None:
    """A batch of nothing has no outputs to return."""
    with (
        Golden(single_op.fully_connected((1, 10), 4)) as golden,
        pytest.raises(ModelError, match="no input vectors"),
    ):
        golden.run_many([np.zeros((0, 1, 10), np.int8)])


def test_unsupported_op_is_a_model_error() -> None:
    """TFLM's own words are in the message."""
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 4), np.int8, scale=0.1)
    y = writer.tensor("y", (1, 4), np.int8, scale=0.1)
    writer.op("LSH_PROJECTION", [x], [y])
    with pytest.raises(ModelError, match="golden interpreter: "):
        Golden(writer.build([x], [y]))


def test_crash_is_a_model_error() -> None:
    """A model on which TFLM crashes does not take the caller with it.

    TFLM dereferences the bias of a depthwise convolution when it is listed as left out.
    """
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 2, 2, 1), np.int8, scale=0.1)
    w = writer.constant("w", np.ones((1, 1, 1, 1), np.int8), scale=[0.1], axis=3)
    y = writer.tensor("y", (1, 2, 2, 1), np.int8, scale=0.1)
    options = {"padding": 1, "strideH": 1, "strideW": 1, "depthMultiplier": 1}
    writer.op("DEPTHWISE_CONV_2D", [x, w, None], [y], "DepthwiseConv2DOptions", **options)
    data = writer.build([x], [y])
    with pytest.raises(ModelError, match="crashed"), Golden(data) as golden:
        golden.run([np.zeros((1, 2, 2, 1), np.int8)])


def test_killed_process_is_a_model_error_and_load_recovers() -> None:
    """When the process is gone, that is said; loading a model starts another."""
    data = single_op.fully_connected((1, 10), 4)
    with Golden(data) as golden:
        os.kill(golden._worker._process.pid, signal.SIGKILL)
        with pytest.raises(ModelError, match="crashed"):
            golden.run([np.zeros((1, 10), np.int8)])
        golden.load(data)
        golden.run([np.zeros((1, 10), np.int8)])


def test_timeout_is_a_model_error() -> None:
    """A request that takes too long ends the process and is named as such."""
    with Golden(single_op.fully_connected((1, 10), 4)) as golden:
        os.kill(golden._worker._process.pid, signal.SIGSTOP)
        golden._worker._timeout_s = 0.2
        with pytest.raises(ModelError, match=r"more than 0\.2 s"):
            golden.run([np.zeros((1, 10), np.int8)])


def test_close_ends_the_process() -> None:
    """No process is left behind, and using the closed interpreter is an error."""
    golden = Golden(single_op.fully_connected((1, 10), 4))
    process = golden._worker._process
    golden.close()
    assert process.poll() is not None
    with pytest.raises(ModelError, match="closed"):
        golden.run([np.zeros((1, 10), np.int8)])


def test_not_a_model() -> None:
    """A file that is no .tflite is refused before any process sees it."""
    with pytest.raises(ModelError, match=r"not a \.tflite file"):
        Golden(b"something else")
