"""From a .tflite file to a `Graph`, or to a `ModelError` that says what to do.

Any integer model goes in, ours or anyone's. Whatever else comes in (a corrupt or hostile file, a
float model, dynamic shapes, an op that we do not know) ends as a named error, never as another
exception and never as wrong code.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinykit.compiler import flatfile, float_ends, ops, schema, variables
from tinykit.compiler.flatfile import FileRecord, OpRecord, TensorRecord
from tinykit.compiler.ir import Graph, Op, Quantization, Tensor
from tinykit.errors import ModelError
from tinykit.paths import sha256_bytes

# far beyond any microcontroller, and what it takes for a hostile file to cost little
MAX_TENSOR_BYTES = 16 << 20
MAX_TOTAL_BYTES = 64 << 20  # all tensors that are used
MAX_OPS = 4000  # the planner compares every two tensors

_QUANTIZE_HINT = (
    "quantize it with full-integer int8 quantization, inputs and outputs included "
    "(converter.inference_input_type = tf.int8, and a representative data set)"
)
_STATIC_HINT = "convert the model with a fixed input shape, for example Input(batch_shape=(1, ...))"
_DYNAMIC_OPS = frozenset({"SHAPE", "RANK", "RANGE", "WHERE", "FILL"})
_FLOAT_TYPES = frozenset({"FLOAT32", "FLOAT16", "FLOAT64", "BFLOAT16"})


def read_tflite(data: bytes, name: str = "model") -> Graph:
    """Read a fully integer .tflite model.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        What the model shall be called.

    Returns
    -------
    Graph
        Verified. Float inputs that are quantized at once, and float outputs, are the integers
        behind them. Tensors keep their numbers in the file; those that nothing uses are dropped.

    Raises
    ------
    ModelError
        When the file is corrupt, not fully int8, has dynamic shapes or unsupported ops.
    """
    data = bytes(data)
    wanted = {rule.options for rule in ops.rules().values() if rule.options}
    record = flatfile.read_file(data, wanted | variables.OPTIONS)
    for each in (*record.called, record):
        _check_indices(each)
    for role, keys in (("input", record.inputs), ("output", record.outputs)):
        if not keys:
            raise ModelError(f"model: the graph has no {role}", flatfile.NOT_A_MODEL_HINT)
    record = float_ends.resolve(variables.resolve(record))
    _check_supported(record.ops)
    _check_size(record)
    graph = Graph(
        tensors={key: _tensor(record, key, where) for key, where in _uses(record).items()},
        ops=[],
        inputs=list(record.inputs),
        outputs=list(record.outputs),
        name=name,
        sha256=sha256_bytes(data),
        metadata=_metadata(record),
    )
    for index, op in enumerate(record.ops):
        if not op.done:
            graph.ops.append(_op(graph, op, index))
    # constants that became attrs are no longer read by anyone
    kept = {key for op in graph.ops for key in op.inputs + op.outputs}
    kept.update(graph.inputs, graph.outputs)
    graph.tensors = {key: tensor for key, tensor in graph.tensors.items() if key in kept}
    graph.verify()
    return graph


def _check_indices(record: FileRecord) -> None:
    """Refuse tensor and buffer numbers that point nowhere."""
    count = len(record.tensors)
    for role, keys in (("input", record.inputs), ("output", record.outputs)):
        for key in keys:
            if not 0 <= key < count:
                raise ModelError(
                    f"model: {role} is tensor {key}, the file has {count}",
                    flatfile.NOT_A_MODEL_HINT,
                )
    if len(set(record.inputs)) < len(record.inputs):
        raise ModelError("model: one tensor is two of its inputs", flatfile.NOT_A_MODEL_HINT)
    for index, op in enumerate(record.ops):
        # -1 stands for an optional input left out
        if not all(-1 <= key < count for key in op.inputs) or not all(
            0 <= key < count for key in op.outputs
        ):
            raise ModelError(
                f"op {index} {op.builtin}: inputs {_short(op.inputs)}, outputs "
                f"{_short(op.outputs)}, but the file has {count} tensors",
                flatfile.NOT_A_MODEL_HINT,
            )


def _short(keys: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, keys[:8]))
    return f"({shown}{', ...' if len(keys) > 8 else ''})"


def _check_supported(records: list[OpRecord]) -> None:
    """Refuse the model when it has ops without a rule, naming all of them."""
    known = ops.by_builtin()
    missing = [
        f"op {index} {op.builtin}"
        for index, op in enumerate(records)
        if op.builtin not in known and not op.done
    ]
    if not missing:
        return
    builtins = {op.builtin for op in records}
    if builtins & _DYNAMIC_OPS and not builtins - _DYNAMIC_OPS - known.keys():
        raise ModelError(f"{missing[0]}: the model computes shapes at run time", _STATIC_HINT)
    if {"QUANTIZE", "DEQUANTIZE"} & builtins and "DEQUANTIZE" in missing[0]:
        raise ModelError(f"{missing[0]}: the model is only partly quantized", _QUANTIZE_HINT)
    listed = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
    raise ModelError(f"{listed}: not supported", f"supported ops: {', '.join(sorted(known))}")


def _check_size(record: FileRecord) -> None:
    """Refuse models that would take minutes or gigabytes: buffers may be shared by many tensors."""
    hint = "no microcontroller can hold it: use a smaller model"
    if len(record.ops) > MAX_OPS:
        raise ModelError(f"model: it has {len(record.ops):,} ops, the limit is {MAX_OPS:,}", hint)
    total = 0
    for key in _uses(record):
        raw = record.tensors[key]
        dtype = schema.DTYPES.get(raw.type)
        size = max(0, math.prod(raw.shape)) * (dtype.itemsize if dtype else 1)
        total += min(size, MAX_TENSOR_BYTES + 1)  # a single giant is refused by its name later
    named = [n for n in record.metadata.values() if 0 <= n < len(record.buffers)]
    total += sum(record.buffers[n].size for n in named)
    if total > MAX_TOTAL_BYTES:
        raise ModelError(
            f"model: its tensors and metadata have {total:,} B, the limit is {MAX_TOTAL_BYTES:,} B",
            hint,
        )


def _uses(record: FileRecord) -> dict[int, str]:
    """Return each tensor that is used, in order of number, with who uses it first."""
    found: dict[int, str] = {}

    def add(keys: Iterable[int], where: str) -> None:
        for key in keys:
            if key >= 0:
                found.setdefault(key, where)

    for index, op in enumerate(record.ops):
        add(op.inputs + op.outputs, f"op {index} {op.builtin}")
    add(record.inputs, "model input")
    add(record.outputs, "model output")
    return dict(sorted(found.items()))


def _tensor(record: FileRecord, key: int, where: str) -> Tensor:
    raw = record.tensors[key]
    label = f"{where}: tensor {key} {raw.name!r}"
    dtype = schema.DTYPES.get(raw.type)
    if raw.type in _FLOAT_TYPES:
        raise ModelError(f"{label} is {raw.type.lower()}, not int8", _QUANTIZE_HINT)
    if dtype is None:
        raise ModelError(f"{label} is {raw.type.lower()}, not int8", _QUANTIZE_HINT)
    _check_shape(raw, label)
    nbytes = math.prod(raw.shape) * dtype.itemsize
    if nbytes > MAX_TENSOR_BYTES:
        raise ModelError(
            f"{label} has shape {raw.shape}: {nbytes:,} B, the limit is {MAX_TENSOR_BYTES:,} B",
            "no microcontroller can hold it: use a smaller model",
        )
    if raw.sparse:
        raise ModelError(
            f"{label} is stored sparsely", "convert without sparsity: it saves no MACs"
        )
    if not 0 <= raw.buffer < len(record.buffers):
        raise ModelError(
            f"{label} is in buffer {raw.buffer}, the file has {len(record.buffers)}",
            flatfile.NOT_A_MODEL_HINT,
        )
    stored = record.buffers[raw.buffer]
    data = None
    if stored.size:
        if stored.size != nbytes:
            raise ModelError(
                f"{label} has shape {raw.shape}: {nbytes:,} B, its buffer has {stored.size:,} B",
                flatfile.NOT_A_MODEL_HINT,
            )
        little_endian = dtype.newbyteorder("<")
        data = np.frombuffer(stored.tobytes(), little_endian).astype(dtype).reshape(raw.shape)
        data.flags.writeable = False
    if data is not None and key in record.inputs:
        raise ModelError(f"{label} is an input of the model and a constant", "convert it again")
    return Tensor(
        name=raw.name,
        shape=raw.shape,
        dtype=dtype,
        quantization=_quantization(raw, label),
        data=data,
        state=raw.variable and (data is None or raw.resource),
    )


def _check_shape(raw: TensorRecord, label: str) -> None:
    if raw.signature and len(raw.signature) == len(raw.shape):
        # an open batch is usual and harmless where the shape says 1
        free = [i for i, size in enumerate(raw.signature) if size < 0]
        if any(i > 0 or raw.shape[i] != 1 for i in free):
            raise ModelError(f"{label} has the dynamic shape {raw.signature}", _STATIC_HINT)
    if any(size < 0 for size in raw.shape):
        raise ModelError(f"{label} has the dynamic shape {raw.shape}", _STATIC_HINT)
    if any(size == 0 for size in raw.shape):
        raise ModelError(f"{label} has the empty shape {raw.shape}", "convert the model again")


def _quantization(raw: TensorRecord, label: str) -> Quantization | None:
    if not raw.scale.size:
        return None
    scale, zero_point = raw.scale.astype(np.float32), raw.zero_point.astype(np.int64)
    axis = raw.axis
    if scale.size > 1 and (not 0 <= axis < len(raw.shape) or raw.shape[axis] != scale.size):
        raise ModelError(
            f"{label} has shape {raw.shape} and {scale.size} scales along axis {axis}",
            flatfile.NOT_A_MODEL_HINT,
        )
    if zero_point.size != scale.size:
        raise ModelError(
            f"{label} has {scale.size} scales and {zero_point.size} zero points",
            flatfile.NOT_A_MODEL_HINT,
        )
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise ModelError(f"{label} has a scale that is not a positive number", "quantize it again")
    info = np.iinfo(schema.DTYPES[raw.type])
    if (zero_point < info.min).any() or (zero_point > info.max).any():
        raise ModelError(
            f"{label} has a zero point outside {info.min} to {info.max}", "quantize it again"
        )
    return Quantization(scale, zero_point, axis)


def _metadata(record: FileRecord) -> dict[str, bytes]:
    found = {}
    for name, buffer in record.metadata.items():
        if not 0 <= buffer < len(record.buffers):
            raise ModelError(
                f"metadata {name!r} is in buffer {buffer}, the file has {len(record.buffers)}",
                flatfile.NOT_A_MODEL_HINT,
            )
        found[name] = record.buffers[buffer].tobytes()
    return found


def _op(graph: Graph, record: OpRecord, index: int) -> Op:
    rule = ops.by_builtin()[record.builtin]
    inputs = tuple(None if key < 0 else key for key in record.inputs)
    op = Op(rule.kind, inputs, record.outputs, None, index)
    if not op.outputs:
        raise ModelError(f"{op}: has no outputs", flatfile.NOT_A_MODEL_HINT)
    if rule.options and (record.options_name != rule.options or record.options is None):
        given = record.options_name if record.options is not None else "no options"
        raise ModelError(f"{op}: has {given}, needs {rule.options}", flatfile.NOT_A_MODEL_HINT)
    attrs = rule.parse(record.options if rule.options else None, graph, op)
    changed = (_state(op, inputs, position) for position in rule.states)
    if isinstance(rule.operands, slice):
        kept = inputs[rule.operands]
    else:
        kept = tuple(inputs[position] for position in rule.operands if position < len(inputs))
    return Op(rule.kind, kept, (*record.outputs, *changed), attrs, index)


def _state(op: Op, inputs: tuple[int | None, ...], position: int) -> int:
    key = inputs[position] if position < len(inputs) else None
    if key is None:
        raise ModelError(f"{op}: its state, input {position}, is missing", "convert it again")
    return key
