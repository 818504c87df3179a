"""What the writer writes is what the reader reads, and any flatbuffer tool accepts."""

from __future__ import annotations

import numpy as np
import pytest

from tinykit.compiler import schema
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter


def build() -> bytes:
    """A model with per-channel scales, a bias and metadata."""
    writer = TfliteWriter("a test")
    x = writer.tensor("x", (1, 3), np.int8, scale=0.5, zero_point=7)
    w = writer.constant("w", np.arange(6, dtype=np.int8).reshape(2, 3), scale=[0.1, 0.2], axis=0)
    b = writer.constant("b", np.array([1000, -1000], np.int32), scale=[0.05, 0.1])
    y = writer.tensor("y", (1, 2), np.int8, scale=0.25, zero_point=-3)
    writer.op("FULLY_CONNECTED", [x, w, b], [y], "FullyConnectedOptions", version=4)
    writer.metadata({"note": b"hello"})
    return writer.build([x], [y])


def test_round_trip() -> None:
    """Names, shapes, types, data, quantization and metadata come back."""
    graph = read_tflite(build())
    x, w, b, y = (graph.tensors[key] for key in range(4))
    assert (x.name, x.shape, x.dtype, x.zero_point) == ("x", (1, 3), np.int8, 7)
    np.testing.assert_array_equal(w.data, [[0, 1, 2], [3, 4, 5]])
    assert w.quantization is not None
    np.testing.assert_array_equal(w.quantization.scale, np.float32([0.1, 0.2]))
    np.testing.assert_array_equal(b.data, [1000, -1000])
    assert (y.scale, y.zero_point) == (np.float32(0.25), -3)
    assert graph.metadata == {"note": b"hello"}


def test_bytes_are_reproducible() -> None:
    """The same calls give the same file."""
    assert build() == build()


def test_constants_are_aligned() -> None:
    """Every buffer starts at a multiple of 16 bytes, as the schema demands."""
    data = build()
    model = schema.module().Model.GetRootAs(data, 0)
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            assert buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0


def test_op_version_and_code() -> None:
    """The operator code carries builtin and version."""
    code = schema.module().Model.GetRootAs(build(), 0).OperatorCodes(0)
    assert (code.BuiltinCode(), code.Version()) == (9, 4)


def test_misspelt_option_is_an_error() -> None:
    """A field that the options table does not have is no silent no-op."""
    writer = TfliteWriter()
    with pytest.raises(AttributeError, match="'stride_h'"):
        writer.op("CONV_2D", [0], [1], "Conv2DOptions", stride_h=1)
