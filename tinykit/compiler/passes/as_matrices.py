"""Turns convolutions over hardly any pixels into the matrix products that they are."""

from __future__ import annotations

import dataclasses

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import _linear, _window
from tinykit.compiler.ops.fully_connected import FullyConnected

_FEW = 4  # pixels; from here on kernels for convolutions work on blocks of them


def as_matrices(graph: Graph) -> Graph:
    """Replace convolutions that multiply each of a few rows by a matrix by FULLY_CONNECTED.

    That is, where the window is a single pixel, or as large as the input. Both ops sum the same
    products and requantize them in the same way, so the result is exact. Filters keep their
    elements in order but get other tensors, with two axes.
    """
    tensors = dict(graph.tensors)
    matrices: dict[int, int] = {}  # of each filter: the same with two axes
    kept = []
    for op in graph.ops:
        if op.kind == "conv2d" and _is_matrix(graph, op):
            key = op.inputs[_linear.FILTER]
            assert key is not None
            if key not in matrices:
                matrices[key] = max(tensors) + 1
                tensors[matrices[key]] = _flat(tensors[key])
            inputs = (op.inputs[0], matrices[key], *op.inputs[_linear.FILTER + 1 :])
            attrs = FullyConnected(op.attrs.activation)
            op = dataclasses.replace(op, kind="fully_connected", inputs=inputs, attrs=attrs)
        kept.append(op)
    return dataclasses.replace(graph, tensors=tensors, ops=kept)


def _is_matrix(graph: Graph, op: Op) -> bool:
    """Whether the pixels that each output reads lie one after the other, and apart from others'."""
    assert op.inputs[0] is not None
    size = graph.tensors[op.inputs[0]].shape[1:3]
    _, rows, columns, _ = graph.tensors[op.outputs[0]].shape
    window = op.attrs.window
    if window.pad != _window.Pad() or rows * columns >= _FEW:
        return False
    if window.size == (1, 1):
        return (rows, columns) == size  # no stride
    return window.size == size and window.dilation == (1, 1)


def _flat(filters: Tensor) -> Tensor:
    assert filters.data is not None
    data = filters.data.reshape(filters.shape[0], -1)
    return dataclasses.replace(filters, shape=data.shape, data=data)
