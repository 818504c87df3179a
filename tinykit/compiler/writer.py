"""Writes .tflite files: tensors, constants, ops and metadata, straight through the schema.

No TensorFlow is needed. The result is deterministic: the same calls give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinykit.compiler import schema

_ALIGNMENT = 16  # what the schema demands of constant data, and vector code relies on


class TfliteWriter:
    """Builds one model, one graph.

    ::

        writer = TfliteWriter()
        x = writer.tensor("x", (1, 8), np.int8, scale=0.5)
        w = writer.constant("w", filters, scale=scales, axis=0)
        y = writer.tensor("y", (1, 4), np.int8, scale=0.25, zero_point=-3)
        writer.op("FULLY_CONNECTED", [x, w, None], [y], "FullyConnectedOptions")
        data = writer.build([x], [y])
    """

    def __init__(self, description: str = "tinykit") -> None:
        self._schema = schema.module()
        self._description = description
        self._tensors: list[Any] = []
        self._buffers: list[_Buffer] = [_Buffer(b"")]  # buffer 0 is empty by convention
        self._ops: list[Any] = []
        self._codes: dict[tuple[str, int], int] = {}
        self._metadata: list[Any] = []
        self._once: TfliteWriter | None = None  # what runs before the first inference

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: DTypeLike,
        *,
        scale: ArrayLike | None = None,
        zero_point: ArrayLike = 0,
        axis: int = 0,
        variable: bool = False,
    ) -> int:
        """Add a value that is computed, an input or a state; return its number.

        Parameters
        ----------
        scale : float or (channels,), optional
            Quantization: one scale, or one for each channel along `axis`.
        zero_point : int or (channels,)
            One serves all scales.
        variable : bool
            It keeps its value from one inference to the next.
        """
        added = self._schema.TensorT()
        added.name = name
        added.shape = np.array(shape, np.int32)
        added.type = getattr(self._schema.TensorType, np.dtype(dtype).name.upper())
        added.buffer = 0
        added.isVariable = variable
        added.hasRank = True
        if scale is not None:
            quantization = self._schema.QuantizationParametersT()
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            quantization.scale = scales
            quantization.zeroPoint = np.array(np.broadcast_to(zero_point, scales.shape), np.int64)
            quantization.quantizedDimension = axis
            added.quantization = quantization
        self._tensors.append(added)
        return len(self._tensors) - 1

    def constant(
        self,
        name: str,
        data: NDArray[Any],
        *,
        scale: ArrayLike | None = None,
        zero_point: ArrayLike = 0,
        axis: int = 0,
    ) -> int:
        """Add a constant with the shape and dtype of `data`; return its number."""
        number = self.tensor(
            name, data.shape, data.dtype, scale=scale, zero_point=zero_point, axis=axis
        )
        self._tensors[number].buffer = self._buffer(
            np.ascontiguousarray(data, data.dtype.newbyteorder("<")).tobytes()
        )
        return number

    def op(
        self,
        builtin: str,
        inputs: Sequence[int | None],
        outputs: Sequence[int],
        options: str = "",
        *,
        version: int = 1,
        **values: Any,
    ) -> None:
        """Add an operator.

        Parameters
        ----------
        builtin : str
            Its name in the schema, "CONV_2D".
        inputs : sequence of tensor numbers
            None where an optional input is left out.
        options : str
            The name of its options table, "Conv2DOptions"; `values` sets the table's fields.
        """
        added = self._schema.OperatorT()
        added.opcodeIndex = self._codes.setdefault((builtin, version), len(self._codes))
        added.inputs = np.array([-1 if key is None else key for key in inputs], np.int32)
        added.outputs = np.array(outputs, np.int32)
        if options:
            added.builtinOptionsType = getattr(self._schema.BuiltinOptions, options)
            added.builtinOptions = getattr(self._schema, f"{options}T")()
            for name, value in values.items():
                if not hasattr(added.builtinOptions, name):
                    raise AttributeError(f"{options} has no field {name!r}")
                setattr(added.builtinOptions, name, value)
        self._ops.append(added)

    def variable(
        self,
        name: str,
        initial: NDArray[Any] | None = None,
        *,
        scale: ArrayLike | None = None,
        zero_point: ArrayLike = 0,
    ) -> int:
        """Add a resource variable; return the number of its handle.

        READ_VARIABLE and ASSIGN_VARIABLE take the handle as their first input. Without `initial`
        the variable begins with real zeros.
        """
        handle = self._handle(name)
        if initial is not None:
            if self._once is None:
                self._once = TfliteWriter()
                self._once._codes = self._codes
                self._once._buffers = self._buffers
            target = self._once._handle(name)
            value = self._once.constant(name, initial, scale=scale, zero_point=zero_point)
            self._once.op("ASSIGN_VARIABLE", [target, value], [], "AssignVariableOptions")
        return handle

    def _handle(self, name: str) -> int:
        handle = self.tensor(f"{name}_handle", (1,), np.int32)
        self._tensors[handle].type = self._schema.TensorType.RESOURCE
        self.op("VAR_HANDLE", [], [handle], "VarHandleOptions", container="", sharedName=name)
        return handle

    @property
    def builtins(self) -> set[str]:
        """Names of the ops that were added, those of `variable` included."""
        return {name for name, _ in self._codes}

    def metadata(self, entries: Mapping[str, bytes]) -> None:
        """Add named pieces of data that travel in the file."""
        for name, value in entries.items():
            entry = self._schema.MetadataT()
            entry.name, entry.buffer = name, self._buffer(value)
            self._metadata.append(entry)

    def build(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Return the file: a model with these inputs and outputs."""
        import flatbuffers

        graphs = [self._graph("main", inputs, outputs)]
        if self._once is not None:
            self.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
            graphs[0].operators = [self._ops.pop(), *self._ops]
            graphs.append(self._once._graph("once", [], []))
        model = self._schema.ModelT()
        model.version, model.description = 3, self._description
        model.subgraphs, model.buffers = graphs, self._buffers
        model.operatorCodes = [self._code(*key) for key in self._codes]
        model.metadata = self._metadata or None
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), schema.FILE_IDENTIFIER)
        return bytes(builder.Output())

    def _graph(self, name: str, inputs: Sequence[int], outputs: Sequence[int]) -> Any:
        graph = self._schema.SubGraphT()
        graph.name = name
        graph.tensors, graph.operators = self._tensors, self._ops
        graph.inputs, graph.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        return graph

    def _buffer(self, data: bytes) -> int:
        self._buffers.append(_Buffer(data))
        return len(self._buffers) - 1

    def _code(self, builtin: str, version: int) -> Any:
        code = self._schema.OperatorCodeT()
        code.builtinCode = getattr(self._schema.BuiltinOperator, builtin)
        # the old one-byte field: it holds 127, "see the new field", for newer ops
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        return code


class _Buffer:
    """Constant data, aligned: the generated `BufferT` would align it to 4 bytes only."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def Pack(self, builder: Any) -> int:
        """Write the table into `builder`; the generated code calls it by this name."""
        tables = schema.module()
        vector = None
        if self.data:
            builder.StartVector(1, len(self.data), _ALIGNMENT)
            builder.head -= len(self.data)
            builder.Bytes[builder.head : builder.head + len(self.data)] = self.data
            vector = builder.EndVector()
        tables.BufferStart(builder)
        if vector is not None:
            tables.BufferAddData(builder, vector)
        return tables.BufferEnd(builder)


def with_metadata(data: bytes, entries: Mapping[str, bytes]) -> bytes:
    """Return a .tflite, one that `read_tflite` accepts, with metadata added or replaced."""
    import flatbuffers

    tables = schema.module()
    model = tables.ModelT.InitFromObj(tables.Model.GetRootAs(data, 0))
    buffers = [b"" if b.data is None else bytes(bytearray(b.data)) for b in model.buffers]
    kept = [m for m in model.metadata or [] if m.name.decode() not in entries]
    for name, value in entries.items():
        entry = tables.MetadataT()
        entry.name, entry.buffer = name, len(buffers)
        buffers.append(value)
        kept.append(entry)
    model.metadata = kept
    model.buffers = [_Buffer(content) for content in buffers]
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), schema.FILE_IDENTIFIER)
    return bytes(builder.Output())
