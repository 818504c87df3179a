"""Ops that can be carried out on some rows of an image: which rows they read, what they become."""

from __future__ import annotations

import dataclasses

import numpy as np

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops._binary import BinaryRule
from tinykit.compiler.ops._lookup import LookupRule
from tinykit.compiler.ops._window import Pad

Rows = tuple[int, int]
"""First row, and the one after the last."""

WINDOWS = frozenset({"conv2d", "depthwise_conv2d", "average_pool2d", "max_pool2d"})


def activations(graph: Graph, op: Op) -> list[int]:
    """Return the tensors that `op` reads and that are no constants, each once."""
    keys = (key for key in op.inputs if key is not None)
    return list(dict.fromkeys(key for key in keys if graph.tensors[key].data is None))


def height(graph: Graph, key: int) -> int:
    """Return the rows of an image (1, rows, columns, channels)."""
    return graph.tensors[key].shape[1]


def row_bytes(graph: Graph, key: int) -> int:
    """Return the bytes of a row."""
    return graph.tensors[key].nbytes // height(graph, key)


def is_image(graph: Graph, key: int) -> bool:
    """Whether a tensor has rows that lie one after the other."""
    shape = graph.tensors[key].shape
    return len(shape) == 4 and shape[0] == 1


def has_rows(graph: Graph, op: Op) -> bool:
    """Whether some rows of the output of `op` can be computed from some rows of its inputs."""
    keys = activations(graph, op)
    if (
        len(op.outputs) != 1
        or not keys
        or any(graph.tensors[key].state for key in op.inputs if key)
    ):
        return False
    if not all(is_image(graph, key) for key in (*keys, *op.outputs)):
        return False
    if op.kind in WINDOWS:
        return True
    rule, result = ops.rule(op), op.outputs[0]
    if isinstance(rule, LookupRule):
        return True
    if not isinstance(rule, BinaryRule):
        return False
    constants = [key for key in op.inputs if key is not None and key not in keys]
    return all(height(graph, key) == height(graph, result) for key in keys) and all(
        len(shape := graph.tensors[key].shape) < 3 or shape[-3] == 1 for key in constants
    )


def reads(graph: Graph, op: Op, rows: Rows) -> Rows:
    """Return the rows of the inputs from which `op` computes `rows` of its output."""
    if op.kind not in WINDOWS:
        return rows
    window = op.attrs.window
    first = rows[0] * window.stride[0] - window.pad.top
    end = (rows[1] - 1) * window.stride[0] - window.pad.top + window.span[0]
    return max(0, first), min(height(graph, activations(graph, op)[0]), end)


def part(graph: Graph, op: Op, rows: Rows, *, whole: bool = False) -> tuple[Graph, Op]:
    """Return `op` as an op that computes only `rows` of its output, in a graph of its own.

    Its tensors keep their numbers; those with rows have only the rows that it reads or writes. With
    `whole`, it has all rows of its input, and a window that begins so many rows further down.
    """
    keys = activations(graph, op)
    seen = (0, height(graph, keys[0])) if whole else reads(graph, op, rows)
    tensors = {key: graph.tensors[key] for key in op.inputs if key is not None}
    tensors |= {key: _cut(graph.tensors[key], seen) for key in keys}
    tensors[op.outputs[0]] = _cut(graph.tensors[op.outputs[0]], rows)
    if op.kind in WINDOWS:
        window = op.attrs.window
        first = rows[0] * window.stride[0] - window.pad.top
        end = (rows[1] - 1) * window.stride[0] - window.pad.top + window.span[0]
        pad = window.pad
        pad = Pad(seen[0] - first, end - seen[1], pad.left, pad.right)
        window = dataclasses.replace(window, pad=pad)
        op = dataclasses.replace(op, attrs=dataclasses.replace(op.attrs, window=window))
    return Graph(tensors, [op], keys, list(op.outputs), graph.name), op


def _cut(tensor: Tensor, rows: Rows) -> Tensor:
    shape = (1, rows[1] - rows[0], *tensor.shape[2:])
    return dataclasses.replace(tensor, shape=shape)


def is_reduction(graph: Graph, op: Op) -> bool:
    """Whether the whole output of `op` is made from sums over the rows of one image."""
    keys = activations(graph, op)
    if len(keys) != 1 or op.inputs[0] != keys[0] or graph.tensors[keys[0]].state:
        return False
    if not is_image(graph, keys[0]) or height(graph, keys[0]) == 1:
        return False
    image = graph.tensors[keys[0]]
    if image.dtype != np.int8 or graph.tensors[op.outputs[0]].dtype != np.int8:
        return False
    if op.kind == "fully_connected":
        assert op.inputs[1] is not None
        return image.size == graph.tensors[op.inputs[1]].shape[1]
    if op.kind == "average_pool2d":
        return op.attrs.window.size == image.shape[1:3] and op.attrs.window.pad == Pad()
    return op.kind == "mean" and op.attrs.axes == (1, 2)
