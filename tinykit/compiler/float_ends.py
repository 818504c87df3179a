"""Float inputs and outputs of a quantized model, as older converters leave them.

Such a model quantizes its inputs first and dequantizes its outputs last. On a microcontroller both
cost time and code for nothing: samples and features are integers. The compiled model takes and
gives the integers in between; their scale and zero point stand in its header.
"""

from __future__ import annotations

import dataclasses

from tinykit.compiler.flatfile import FileRecord

_FLOAT = "FLOAT32"


def integers(record: FileRecord) -> dict[int, int]:
    """Return, for each float input and output that can go, the integer tensor behind it.

    That is an input which one QUANTIZE reads and nobody else, or an output which DEQUANTIZE makes
    and nobody reads.
    """
    found = {}
    for op in record.ops:
        if (len(op.inputs), len(op.outputs)) != (1, 1) or op.inputs[0] < 0:
            continue
        (source,), (result,) = op.inputs, op.outputs
        ends = {"QUANTIZE": (source, result), "DEQUANTIZE": (result, source)}
        if op.builtin not in ends:
            continue
        end, integer = ends[op.builtin]
        outside = record.inputs if op.builtin == "QUANTIZE" else record.outputs
        if end not in outside or record.tensors[end].type != _FLOAT:
            continue
        readers = sum(other.inputs.count(end) for other in record.ops)
        alone = readers == (1 if op.builtin == "QUANTIZE" else 0)
        behind = record.tensors[integer]
        if (
            alone
            and behind.type in ("INT8", "INT16")
            and behind.scale.size == behind.zero_point.size == 1
        ):
            found[end] = integer
    return found


def resolve(record: FileRecord) -> FileRecord:
    """Return the graph between its float ends; a graph that has none as it is.

    Tensor numbers must point somewhere.
    """
    found = integers(record)
    if not found:
        return record
    ops = [
        dataclasses.replace(op, inputs=(), outputs=(), done=True)
        if op.builtin in ("QUANTIZE", "DEQUANTIZE") and found.keys() & {*op.inputs, *op.outputs}
        else op
        for op in record.ops
    ]
    return dataclasses.replace(
        record,
        ops=ops,
        inputs=tuple(found.get(key, key) for key in record.inputs),
        outputs=tuple(found.get(key, key) for key in record.outputs),
    )
