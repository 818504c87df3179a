"""Convolutions over hardly any pixels become matrix products, and only these."""

from __future__ import annotations

import numpy as np
import pytest
import single_op

from tinykit.compiler import reference
from tinykit.compiler.passes.as_matrices import as_matrices
from tinykit.compiler.passes.drop_unused import drop_unused
from tinykit.compiler.reader import read_tflite

MATRIX = {
    "a pixel": single_op.conv2d((1, 1, 1, 9), (5, 1, 1), activation="relu"),
    "three pixels": single_op.conv2d((1, 3, 1, 8), (5, 1, 1), per_channel=False),
    "the whole input": single_op.conv2d((1, 4, 3, 2), (6, 4, 3), padding="VALID", bias=False),
}
CONVOLUTION = {
    "four pixels": single_op.conv2d((1, 2, 2, 8), (5, 1, 1)),
    "padding": single_op.conv2d((1, 1, 2, 3), (5, 1, 2)),
    "a part of the input": single_op.conv2d(
        (1, 4, 3, 2), (6, 3, 3), padding="VALID", stride=(2, 1)
    ),
    "stride": single_op.conv2d((1, 5, 1, 4), (6, 1, 1), stride=(2, 1)),
    "dilation": single_op.conv2d((1, 5, 1, 4), (6, 3, 1), dilation=(2, 1), padding="VALID"),
}


@pytest.mark.parametrize("name", MATRIX)
def test_matrices_give_the_same_bytes(name: str) -> None:
    """The op changes, no output does."""
    before = read_tflite(MATRIX[name])
    after = drop_unused(as_matrices(before))
    after.verify()
    assert [op.kind for op in after.ops] == ["fully_connected"]
    for inputs in zip(*single_op.inputs(MATRIX[name]), strict=True):
        np.testing.assert_array_equal(
            reference.run(after, list(inputs))[0], reference.run(before, list(inputs))[0]
        )


@pytest.mark.parametrize("name", CONVOLUTION)
def test_other_convolutions_stay(name: str) -> None:
    """Pixels that share their inputs, or many of them, are a convolution's."""
    assert [op.kind for op in as_matrices(read_tflite(CONVOLUTION[name])).ops] == ["conv2d"]
