"""A streamed model as a .tflite: its FIFOs become resource variables, for interpreters.

`compile --stream` gives C; an interpreter wants a file. Each `stream_push` becomes a variable that
holds the rows of the past, read, joined with the new rows, cut and assigned, as converters write
it. Every other op is the file's own, over fewer rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinykit.compiler import flatfile, ops, schema
from tinykit.compiler.flatfile import FileRecord
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops._slices import Slice
from tinykit.compiler.passes.fold_views import VIEWS
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.streaming.transform import stream
from tinykit.compiler.writer import TfliteWriter


def streamed_tflite(data: bytes) -> bytes:
    """Return the model of a window as a .tflite that takes the rows of one hop.

    The n-th inference gives what the window model gives over zero points and then the rows so far.

    Raises
    ------
    ModelError
        When the model cannot be streamed.
    """
    graph = stream(read_tflite(data)).graph
    writer = TfliteWriter()
    rewriter = Rewriter(writer, graph, data)
    inputs = [rewriter.tensor(key) for key in graph.inputs]
    rewriter.append(graph.ops)
    writer.metadata(graph.metadata)
    return writer.build(inputs, [rewriter.tensor(key) for key in graph.outputs])


class Rewriter:
    """Appends ops of a streamed graph to a file that is being written.

    Parameters
    ----------
    writer : TfliteWriter
    graph : Graph
        What `stream` made of the model as it was read: no pass may have changed an op.
    data : bytes
        The .tflite that it was read from.
    numbers : dict
        Tensors of the graph that are in the file already.
    """

    def __init__(
        self,
        writer: TfliteWriter,
        graph: Graph,
        data: bytes,
        numbers: dict[int, int] | None = None,
    ) -> None:
        wanted = {rule.options for rule in ops.rules().values() if rule.options}
        self._record: FileRecord = flatfile.read_file(data, wanted)
        self._writer, self._graph = writer, graph
        self._numbers = dict(numbers or {})
        self._parameters: dict[int, int] = {}

    def tensor(self, key: int) -> int:
        """Return the number in the file of a tensor of the graph; it is added when new."""
        if key not in self._numbers:
            found = self._graph.tensors[key]
            quantized = _quantized(found)
            if found.data is None:
                add = self._writer.tensor(found.name, found.shape, found.dtype, **quantized)
            else:
                add = self._writer.constant(found.name, found.data, **quantized)
            self._numbers[key] = add
        return self._numbers[key]

    def append(self, chosen: Sequence[Op]) -> None:
        """Write ops of the graph, in order."""
        for op in chosen:
            if op.kind == "stream_push":
                self._push(op)
            elif op.kind in VIEWS:
                self._reshape(op)
            elif isinstance(op.attrs, Slice):
                self._slice(op)
            else:
                self._copy(op)

    def _push(self, op: Op) -> None:
        """Read the past, join the new rows to it, keep the newest of both."""
        state_key, new_key = op.inputs
        assert state_key is not None and new_key is not None
        held, axis = self._graph.tensors[state_key], op.attrs.axis
        new = self._graph.tensors[new_key].shape[axis]
        assert held.data is not None
        past = np.split(held.data, [new], axis)[1]  # the oldest rows leave before they are read
        quantized, name = _quantized(held), held.name
        handle = self._writer.variable(
            name, past, scale=quantized["scale"], zero_point=quantized["zero_point"]
        )
        old, kept = (
            self._writer.tensor(f"{name} {what}", past.shape, held.dtype, **quantized)
            for what in ("before", "after")
        )
        joined = self.tensor(op.outputs[0])
        self._writer.op("READ_VARIABLE", [handle], [old], "ReadVariableOptions")
        self._writer.op(
            "CONCATENATION",
            [old, self.tensor(new_key)],
            [joined],
            "ConcatenationOptions",
            axis=axis,
        )
        start = [0] * past.ndim
        start[axis] = new
        self._strided(joined, kept, start, held.shape, [1] * past.ndim)
        self._writer.op("ASSIGN_VARIABLE", [handle, kept], [], "AssignVariableOptions")

    def _reshape(self, op: Op) -> None:
        """Write any view as RESHAPE: SQUEEZE would take the one row that is left for an axis."""
        assert op.inputs[0] is not None
        shape = self._integers(f"shape {op.index}", self._graph.tensors[op.outputs[0]].shape)
        given = self.tensor(op.inputs[0])
        self._writer.op("RESHAPE", [given, shape], [self.tensor(op.outputs[0])])

    def _slice(self, op: Op) -> None:
        assert op.inputs[0] is not None
        part, result = op.attrs, self._graph.tensors[op.outputs[0]]
        start, stride = np.array(part.start), np.array(part.stride)
        end = start + (np.array(part.size) - 1) * stride + np.sign(stride)
        target = self.tensor(op.outputs[0])
        whole = target
        if result.shape != part.size:  # axes of size 1 are left out
            name = f"{result.name} with every axis"
            whole = self._writer.tensor(name, part.size, result.dtype, **_quantized(result))
        self._strided(self.tensor(op.inputs[0]), whole, start, end, stride)
        if whole != target:
            shape = self._integers(f"shape {op.index}", result.shape)
            self._writer.op("RESHAPE", [whole, shape], [target])

    def _strided(self, source: int, target: int, start: Any, end: Any, stride: Any) -> None:
        parameters = zip(("begin", "end", "strides"), (start, end, stride), strict=True)
        numbers = [self._integers(f"{name} {target}", values) for name, values in parameters]
        self._writer.op("STRIDED_SLICE", [source, *numbers], [target], "StridedSliceOptions")

    def _integers(self, name: str, values: Sequence[int]) -> int:
        return self._writer.constant(name, np.array(values, np.int32))

    def _copy(self, op: Op) -> None:
        """Write the file's own op; its inputs that are parameters are not in the graph."""
        original = self._record.ops[op.index]
        operands = ops.rule(op).operands
        assert isinstance(operands, slice), "TRANSPOSE_CONV has no streaming form"
        positions = range(len(original.inputs))[operands]
        given = dict(zip(positions, op.inputs, strict=True))
        inputs: list[int | None] = []
        for position, key in enumerate(original.inputs):
            value = given.get(position)
            if position not in given:
                inputs.append(self._parameter(key))
            else:
                inputs.append(None if value is None else self.tensor(value))
        options = vars(original.options) if original.options is not None else {}
        name = original.options_name if original.options is not None else ""
        outputs = [self.tensor(key) for key in op.outputs]
        self._writer.op(original.builtin, inputs, outputs, name, **options)

    def _parameter(self, key: int) -> int:
        """Return a constant of the file that became an attribute: an axis, a shape."""
        if key not in self._parameters:
            record = self._record.tensors[key]
            dtype = schema.DTYPES[record.type]
            values = self._record.buffers[record.buffer].view(dtype).reshape(record.shape)
            self._parameters[key] = self._writer.constant(record.name, values)
        return self._parameters[key]


def _quantized(tensor: Tensor) -> dict[str, Any]:
    found = tensor.quantization
    if found is None:
        return {}
    return {"scale": found.scale, "zero_point": found.zero_point, "axis": found.axis}
