"""The tables of a .tflite file as plain records, read with care.

A flatbuffer is a web of offsets that its generated readers follow blindly. This module walks it
once, within limits: every length is checked before it is believed, every table visited is counted,
so that a hostile file costs no more time or memory than an honest one of its size. Vectors stay
views into the file. What the numbers mean is the business of `tinykit.compiler.reader`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import schema
from tinykit.errors import ModelError

MAX_FILE_BYTES = 64 << 20
MAX_TABLES = 10_000  # of one kind: tensors, ops, buffers, ...
MAX_SUBGRAPHS = 64
MAX_RANK = 8
MAX_NAME_BYTES = 1024

NOT_A_MODEL_HINT = "give a .tflite file; when it was downloaded, check that it arrived whole"

# what the generated readers raise when an offset or a length leads them astray
_ASTRAY = (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError)


@dataclass(frozen=True)
class TensorRecord:
    """A tensor as the file has it. `type` is the schema's name ("INT8")."""

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]  # -1 where the size is open; empty when the file does not say
    type: str
    buffer: int
    scale: NDArray[np.float32]  # empty when not quantized
    zero_point: NDArray[np.int64]
    axis: int
    variable: bool
    sparse: bool
    resource: bool = False  # a resource variable that `tinykit.compiler.variables` made a tensor


@dataclass(frozen=True)
class OpRecord:
    """An operator. `options` is the object-API instance of table `options_name`, or None."""

    builtin: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_name: str
    options: Any
    done: bool = False  # has no work left at run time: what it says became part of the record


@dataclass
class FileRecord:
    """A whole file: its first subgraph, and as `called` the others that its ops may call."""

    tensors: list[TensorRecord]
    ops: list[OpRecord]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    buffers: list[NDArray[np.uint8]]
    metadata: dict[str, int] = field(default_factory=dict)  # name to buffer
    called: list[FileRecord] = field(default_factory=list)  # without buffers of their own


def read_file(data: bytes, wanted_options: set[str]) -> FileRecord:
    """Read the tables of a .tflite file.

    Parameters
    ----------
    wanted_options : set of str
        Options tables that are unpacked; the options of other ops are left out.

    Raises
    ------
    ModelError
        When the file is no .tflite flatbuffer, is damaged, or is larger than the limits above.
    """
    if len(data) > MAX_FILE_BYTES:
        raise ModelError(
            f"model: the file has {len(data):,} B, the limit is {MAX_FILE_BYTES:,} B",
            "a microcontroller cannot hold it: use a smaller model",
        )
    if data[4:8] != schema.FILE_IDENTIFIER:
        raise ModelError(
            f"model: not a .tflite file: identifier {bytes(data[4:8])!r} instead of b'TFL3'",
            NOT_A_MODEL_HINT,
        )
    try:
        return _Walk(data).file(wanted_options)
    except _ASTRAY as error:
        raise ModelError(
            f"model: the file is damaged: {type(error).__name__}: {error}", NOT_A_MODEL_HINT
        ) from error


class _Walk:
    def __init__(self, data: bytes) -> None:
        self.schema = schema.module()
        self.size = len(data)
        self.model = self.schema.Model.GetRootAs(data, 0)

    def file(self, wanted_options: set[str]) -> FileRecord:
        if self.model.Version() != 3:
            raise ModelError(
                f"model: schema version {self.model.Version()}, 3 is supported", NOT_A_MODEL_HINT
            )
        if self.model.SubgraphsLength() < 1:
            raise ModelError("model: the file has no subgraph", NOT_A_MODEL_HINT)
        if self.model.SubgraphsLength() > MAX_SUBGRAPHS:
            raise ModelError(
                f"model: the file has {self.model.SubgraphsLength():,} subgraphs, the limit is "
                f"{MAX_SUBGRAPHS}",
                NOT_A_MODEL_HINT,
            )
        codes = self._tables(self.model, "OperatorCodes", self._builtin)
        graphs = self._tables(
            self.model, "Subgraphs", lambda graph: self._graph(graph, codes, wanted_options)
        )
        graphs[0].buffers = self._tables(self.model, "Buffers", self._buffer)
        graphs[0].metadata = dict(self._tables(self.model, "Metadata", self._metadata))
        graphs[0].called = graphs[1:]
        return graphs[0]

    def _graph(self, subgraph: Any, codes: list[str], wanted_options: set[str]) -> FileRecord:
        return FileRecord(
            tensors=self._tables(subgraph, "Tensors", self._tensor),
            ops=self._tables(subgraph, "Operators", lambda op: self._op(op, codes, wanted_options)),
            inputs=_integers(subgraph, "Inputs"),
            outputs=_integers(subgraph, "Outputs"),
            buffers=[],
        )

    def _tables(self, parent: Any, name: str, read: Callable[[Any], Any]) -> list[Any]:
        """Read a vector of tables, of believable length."""
        length = getattr(parent, f"{name}Length")()
        if length > min(MAX_TABLES, self.size // 4):
            raise ModelError(
                f"model: the file claims {length:,} {name.lower()}, the limit is {MAX_TABLES:,}",
                NOT_A_MODEL_HINT,
            )
        get = getattr(parent, name)
        return [read(get(index)) for index in range(length)]

    def _builtin(self, code: Any) -> str:
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = schema.builtin_names().get(number, f"number {number}")
        if name != "CUSTOM":
            return name
        return f"CUSTOM {_text(code.CustomCode())!r}"

    def _tensor(self, tensor: Any) -> TensorRecord:
        name = _text(tensor.Name())
        quantization = tensor.Quantization()
        scale, zero_point, axis = np.zeros(0, np.float32), np.zeros(0, np.int64), 0
        if quantization is not None:
            scale = _vector(quantization, "Scale", np.float32)
            zero_point = _vector(quantization, "ZeroPoint", np.int64)
            axis = quantization.QuantizedDimension()
            if quantization.DetailsType() != 0:
                raise ModelError(f"tensor {name!r}: custom quantization is not supported")
        number = tensor.Type()
        return TensorRecord(
            name=name,
            shape=_integers(tensor, "Shape", MAX_RANK, f"tensor {name!r}"),
            signature=_integers(tensor, "ShapeSignature", MAX_RANK, f"tensor {name!r}"),
            type=schema.tensor_type_names().get(number, f"number {number}"),
            buffer=tensor.Buffer(),
            scale=scale,
            zero_point=zero_point,
            axis=axis,
            variable=bool(tensor.IsVariable()),
            sparse=tensor.Sparsity() is not None,
        )

    def _op(self, op: Any, codes: list[str], wanted_options: set[str]) -> OpRecord:
        index = op.OpcodeIndex()
        if index >= len(codes):
            raise ModelError(f"model: an op has code {index} of {len(codes)}", NOT_A_MODEL_HINT)
        name = schema.options_names().get(op.BuiltinOptionsType(), "")
        options = None
        union = op.BuiltinOptions()
        if union is not None and name in wanted_options:
            table = getattr(self.schema, name)()
            table.Init(union.Bytes, union.Pos)
            options = getattr(self.schema, f"{name}T").InitFromObj(table)
        return OpRecord(
            codes[index], _integers(op, "Inputs"), _integers(op, "Outputs"), name, options
        )

    def _buffer(self, buffer: Any) -> NDArray[np.uint8]:
        if buffer.Offset() > 1:
            raise ModelError(
                "model: it keeps its constants outside the flatbuffer",
                "only models above 2 GB do that: use a smaller model",
            )
        return _vector(buffer, "Data", np.uint8)

    def _metadata(self, entry: Any) -> tuple[str, int]:
        return _text(entry.Name()), int(entry.Buffer())


def _vector(table: Any, name: str, dtype: type) -> NDArray[Any]:
    """Return a vector of scalars as a view; empty when it is absent."""
    if getattr(table, f"{name}IsNone")():
        return np.zeros(0, dtype)
    return np.asarray(getattr(table, f"{name}AsNumpy")(), dtype)


def _integers(
    table: Any, name: str, limit: int = MAX_TABLES, owner: str = "model"
) -> tuple[int, ...]:
    """Return a vector of int32 as a tuple of at most `limit`."""
    values = _vector(table, name, np.int32)
    if values.size > limit:
        raise ModelError(
            f"{owner}: {name.lower()} has {values.size:,} values, the limit is {limit:,}",
            NOT_A_MODEL_HINT,
        )
    return tuple(int(value) for value in values)


def _text(raw: bytes | None) -> str:
    """Decode a name; what is not UTF-8 is shown escaped, what is too long is cut."""
    return (raw or b"")[:MAX_NAME_BYTES].decode("utf-8", "backslashreplace")
