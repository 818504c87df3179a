"""Each pass removes what it should, and none changes what the model computes."""

from __future__ import annotations

import numpy as np
import pytest
import single_op

from tinykit.compiler import ir, passes, reference
from tinykit.compiler.ir import Graph
from tinykit.compiler.passes.drop_unused import drop_unused
from tinykit.compiler.passes.fold_constants import fold_constants
from tinykit.compiler.passes.fold_views import fold_views
from tinykit.compiler.passes.fuse_padding import fuse_padding
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter

Q = {"scale": 0.1, "zero_point": -3}


class Net:
    """A short way to write a test model in which every tensor has one quantization."""

    def __init__(self, *shape: int) -> None:
        self.writer = TfliteWriter()
        self.x = self.tensor(*shape)

    def tensor(self, *shape: int) -> int:
        return self.writer.tensor("t", shape, np.int8, **Q)

    def constant(self, *shape: int) -> int:
        values = np.arange(np.prod(shape)).astype(np.int8).reshape(shape)
        return self.writer.constant("c", values, **Q)

    def reshape(self, source: int, *shape: int) -> int:
        result = self.tensor(*shape)
        self.writer.op("RESHAPE", [source], [result])
        return result

    def relu6(self, source: int, *shape: int) -> int:
        result = self.tensor(*shape)
        self.writer.op("RELU6", [source], [result])
        return result

    def dense(self, source: int, depth: int, units: int) -> int:
        weights = np.random.default_rng(0).integers(-127, 128, (units, depth)).astype(np.int8)
        result = self.tensor(1, units)
        key = self.writer.constant("w", weights, scale=0.01)
        self.writer.op("FULLY_CONNECTED", [source, key], [result], "FullyConnectedOptions")
        return result

    def pad(self, source: int, before: list[int], after: list[int], *shape: int) -> int:
        result = self.tensor(*shape)
        sizes = self.writer.constant("p", np.array([before, after], np.int32).T)
        self.writer.op("PAD", [source, sizes], [result])
        return result

    def conv(self, source: int, channels: int, *shape: int) -> int:
        """3x3, VALID."""
        rng = np.random.default_rng(1)
        weights = rng.integers(-127, 128, (shape[3], 3, 3, channels)).astype(np.int8)
        key = self.writer.constant("w", weights, scale=0.01)
        result = self.tensor(*shape)
        self.writer.op(
            "CONV_2D", [source, key], [result], "Conv2DOptions", padding=1, strideH=1, strideW=1
        )
        return result

    def graph(self, *outputs: int) -> Graph:
        return read_tflite(self.writer.build([self.x], outputs))


def kinds(graph: Graph) -> list[str]:
    """Return the kinds of all ops."""
    return [op.kind for op in graph.ops]


def same(before: Graph, after: Graph) -> None:
    """Assert that two graphs compute the same."""
    after.verify()
    rng = np.random.default_rng(2)
    for _ in range(3):
        inputs = [
            rng.integers(-128, 128, before.tensors[key].shape).astype(before.tensors[key].dtype)
            for key in before.inputs
        ]
        expected, _ = reference.run(before, inputs)
        got, _ = reference.run(after, inputs)
        for a, b in zip(expected, got, strict=True):
            np.testing.assert_array_equal(a, b)


def test_drop_unused_follows_the_outputs() -> None:
    """An op whose result nobody reads goes, and with it what only it needed."""
    net = Net(1, 6)
    net.dense(net.relu6(net.x, 1, 6), 6, 4)
    graph = net.graph(net.dense(net.x, 6, 2))
    after = drop_unused(graph)
    assert kinds(after) == ["fully_connected"]
    assert len(after.tensors) == 3
    same(graph, after)


def test_drop_unused_keeps_inputs() -> None:
    """An input that nothing reads is still an input."""
    net = Net(1, 6)
    other = net.tensor(1, 3)
    y = net.dense(net.x, 6, 2)
    graph = read_tflite(net.writer.build([net.x, other], [y]))
    assert drop_unused(graph).inputs == [net.x, other]
    same(graph, drop_unused(graph))


def test_fold_constants_computes_them() -> None:
    """What reads only constants becomes a constant, link by link."""
    net = Net(1, 6)
    bias = net.relu6(net.reshape(net.constant(6), 1, 6), 1, 6)
    y = net.tensor(1, 6)
    net.writer.op("ADD", [net.x, bias], [y], "AddOptions")
    graph = net.graph(y)
    after = fold_constants(graph)
    assert kinds(after) == ["add"]
    assert graph.tensors[bias].data is None  # the graph given stays as it was
    same(graph, after)


def test_fold_constants_leaves_outputs_to_be_written() -> None:
    """A constant output must still be written at run time."""
    net = Net(1, 6)
    graph = net.graph(net.relu6(net.constant(6), 6))
    assert kinds(fold_constants(graph)) == ["relu6"]


def test_fold_views_before_fully_connected() -> None:
    """A fully connected layer reads bytes in order: it needs no flattening."""
    net = Net(1, 3, 2)
    graph = net.graph(net.dense(net.reshape(net.x, 1, 6), 6, 2))
    after = drop_unused(fold_views(graph))
    assert kinds(after) == ["fully_connected"]
    same(graph, after)


def test_fold_views_merges_chains() -> None:
    """Of several views in a row only the last stays, where its shape is needed."""
    net = Net(1, 3, 4)
    viewed = net.reshape(net.reshape(net.reshape(net.x, 12), 4, 3), 2, 6)
    graph = net.graph(net.relu6(viewed, 2, 6))
    after = drop_unused(fold_views(graph))
    assert kinds(after) == ["reshape", "relu6"]
    same(graph, after)


def test_fold_views_removes_views_that_change_nothing() -> None:
    """A view back to the first shape disappears."""
    net = Net(1, 3, 4)
    viewed = net.reshape(net.reshape(net.x, 12), 1, 3, 4)
    graph = net.graph(net.relu6(viewed, 1, 3, 4))
    after = drop_unused(fold_views(graph))
    assert kinds(after) == ["relu6"]
    same(graph, after)


def test_fold_views_keeps_views_that_are_outputs() -> None:
    """An output has the shape that it was promised with."""
    net = Net(1, 6)
    graph = net.graph(net.reshape(net.dense(net.x, 6, 4), 2, 2))
    after = drop_unused(fold_views(graph))
    assert kinds(after) == ["fully_connected", "reshape"]
    same(graph, after)


def test_fuse_padding_into_convolution() -> None:
    """The convolution pads by itself, unevenly where PAD did."""
    net = Net(1, 5, 4, 2)
    padded = net.pad(net.x, [0, 1, 2, 0], [0, 2, 0, 0], 1, 8, 6, 2)
    graph = net.graph(net.conv(padded, 2, 1, 6, 4, 3))
    after = drop_unused(fuse_padding(graph))
    assert kinds(after) == ["conv2d"]
    pad = after.ops[0].attrs.window.pad
    assert (pad.top, pad.bottom, pad.left, pad.right) == (1, 2, 2, 0)
    same(graph, after)


@pytest.mark.parametrize(
    ("before", "after", "shape"),
    [
        ([0, 0, 0, 1], [0, 0, 0, 0], (1, 5, 4, 3)),  # grows the channels
        ([0, 3, 0, 0], [0, 0, 0, 0], (1, 8, 4, 2)),  # whole windows of padding
    ],
)
def test_fuse_padding_leaves_what_convolution_cannot_do(
    before: list[int], after: list[int], shape: tuple[int, ...]
) -> None:
    """Only height and width can be padded, and by less than a window."""
    net = Net(1, 5, 4, 2)
    padded = net.pad(net.x, before, after, *shape)
    graph = net.graph(net.conv(padded, shape[3], 1, shape[1] - 2, shape[2] - 2, 3))
    assert kinds(fuse_padding(graph)) == ["pad", "conv2d"]


def test_fuse_padding_keeps_a_pad_that_others_read() -> None:
    """A PAD with a second reader is still computed."""
    net = Net(1, 5, 4, 2)
    padded = net.pad(net.x, [0, 1, 1, 0], [0, 1, 1, 0], 1, 7, 6, 2)
    graph = net.graph(net.conv(padded, 2, 1, 5, 4, 3), net.relu6(padded, 1, 7, 6, 2))
    after = passes.run(graph)
    assert kinds(after) == ["pad", "conv2d", "relu6"]
    same(graph, after)


CASES = single_op.cases()


@pytest.mark.parametrize("name", CASES)
def test_passes_keep_every_op(name: str) -> None:
    """No pass changes what any single op computes."""
    graph = read_tflite(CASES[name])
    same(graph, passes.run(graph))


def test_dump_is_called_after_each_pass() -> None:
    """The caller sees the graph as read and after every pass, by name."""
    seen = []
    passes.run(read_tflite(single_op.conv2d()), lambda name, graph: seen.append(name))
    assert seen == ["reader", *(each.__name__ for each in passes.PASSES)]


def test_dump_text() -> None:
    """The text form names every tensor with its shape and type."""
    text = ir.dump(read_tflite(single_op.fully_connected(), "tiny"))
    assert text.splitlines()[0].startswith("model tiny sha256:")
    assert "op 0 fully_connected t3[1,4]i8 = t0[1,10]i8 t1:const[4,10]i8 t2:const[4]i32" in text
    assert "FullyConnected(activation='none')" in text
    assert text.endswith("out  t3[1,4]i8\n")
