"""Checks that the op rules share: arity, dtypes, quantization, constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.errors import ModelError

INT8 = np.dtype(np.int8)
INT16 = np.dtype(np.int16)
UINT8 = np.dtype(np.uint8)
INT32 = np.dtype(np.int32)
INT64 = np.dtype(np.int64)

ACTIVATIONS = (INT8, INT16)
"""What activations are made of, where an op has both."""

QUANTIZE_HINT = "convert the model with full-integer int8 quantization, inputs and outputs included"


def refuse(op: Op, problem: str, hint: str = "") -> NoReturn:
    """Raise the ModelError that `op` deserves."""
    raise ModelError(f"{op}: {problem}", hint)


def require(condition: bool, op: Op, problem: str, hint: str = "") -> None:
    """Refuse `op` unless `condition` holds."""
    if not condition:
        refuse(op, problem, hint)


def arity(op: Op, least: int, most: int | None = None, outputs: int | None = 1) -> None:
    """Refuse `op` unless it has `least` to `most` inputs and `outputs` outputs."""
    most = least if most is None else most
    if not least <= len(op.inputs) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        refuse(op, f"has {len(op.inputs)} inputs, needs {wanted}")
    if outputs is not None and len(op.outputs) != outputs:
        refuse(op, f"has {len(op.outputs)} outputs, needs {outputs}")


def tensor(graph: Graph, op: Op, position: int, role: str) -> Tensor:
    """Return input `position` of `op`, which must be present."""
    key = op.inputs[position] if position < len(op.inputs) else None
    if key is None:
        refuse(op, f"its {role} is missing")
    return graph.tensors[key]


def quantized(op: Op, value: Tensor, role: str, dtypes: Sequence[np.dtype] = (INT8,)) -> Tensor:
    """Return `value` if it is quantized per tensor with one of `dtypes`."""
    if value.dtype not in dtypes:
        wanted = " or ".join(str(dtype) for dtype in dtypes)
        refuse(op, f"its {role} {value.name!r} is {value.dtype}, not {wanted}", QUANTIZE_HINT)
    if value.quantization is None or not value.quantization.per_tensor:
        refuse(op, f"its {role} {value.name!r} has no single scale", QUANTIZE_HINT)
    if value.dtype == INT16 and value.zero_point not in (0, -32768):
        refuse(op, f"its {role} {value.name!r} is int16 with zero point {value.zero_point}")
    return value


def activation(
    graph: Graph,
    op: Op,
    position: int = 0,
    role: str = "input",
    dtypes: Sequence[np.dtype] = (INT8,),
) -> Tensor:
    """Return input `position`: one of `dtypes`, quantized per tensor."""
    return quantized(op, tensor(graph, op, position, role), role, dtypes)


def output(graph: Graph, op: Op, dtypes: Sequence[np.dtype] = (INT8,)) -> Tensor:
    """Return the first output: quantized per tensor."""
    return quantized(op, graph.tensors[op.outputs[0]], "output", dtypes)


def centred(op: Op, *values: Tensor) -> None:
    """Refuse int16 `values` with a zero point: the arithmetic of int16 activations has none."""
    for value in values:
        if value.dtype == INT16 and value.zero_point:
            refuse(
                op,
                f"{value.name!r} is int16 with zero point {value.zero_point}, not 0",
                "convert the model with 16x8 quantization, which is symmetric",
            )


def same_dtype(op: Op, *values: Tensor) -> None:
    """Refuse `op` when it mixes int8 and int16 activations."""
    first = values[0]
    for value in values[1:]:
        if value.dtype != first.dtype:
            refuse(
                op,
                f"{first.name!r} is {first.dtype}, {value.name!r} is {value.dtype}",
                "convert the model again, all of it to int8 or all of it to 16x8",
            )


def constant(graph: Graph, op: Op, position: int, role: str, *dtypes: type) -> Tensor:
    """Return input `position`, which must be a constant of one of `dtypes`."""
    value = tensor(graph, op, position, role)
    if value.data is None:
        hint = "fold it into a constant before converting" if position else ""
        refuse(op, f"its {role} {value.name!r} is computed, not a constant", hint)
    if value.dtype not in [np.dtype(dtype) for dtype in dtypes]:
        wanted = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        refuse(op, f"its {role} {value.name!r} is {value.dtype}, not {wanted}", QUANTIZE_HINT)
    return value


def integers(graph: Graph, op: Op, position: int, role: str) -> list[int]:
    """Return a constant int32 or int64 tensor of at most 64 values as a flat list."""
    value = constant(graph, op, position, role, np.int32, np.int64)
    assert value.data is not None
    require(value.size <= 64, op, f"its {role} has {value.size} values, at most 64 make sense")
    return [int(item) for item in value.data.ravel()]


def same_quantization(op: Op, first: Tensor, second: Tensor) -> None:
    """Refuse `op`, which only moves values, unless both tensors mean the same by the same bytes."""
    if first.dtype != second.dtype:
        refuse(op, f"{first.name!r} is {first.dtype}, {second.name!r} is {second.dtype}")
    close = math.isclose(first.scale, second.scale, rel_tol=1e-5)
    if not close or first.zero_point != second.zero_point:
        refuse(
            op,
            f"cannot requantize: {first.name!r} has scale {first.scale}, zero point "
            f"{first.zero_point}, {second.name!r} has {second.scale}, {second.zero_point}",
            "export the model so that the op's input and output share their quantization",
        )


def shape_is(op: Op, value: Tensor, shape: Sequence[int], role: str = "output") -> None:
    """Refuse `op` unless `value` has `shape`."""
    if value.shape != tuple(shape):
        refuse(op, f"its {role} {value.name!r} has shape {value.shape}, should be {tuple(shape)}")


def rank(op: Op, value: Tensor, wanted: int, role: str) -> None:
    """Refuse `op` unless `value` has `wanted` dimensions."""
    if len(value.shape) != wanted:
        refuse(op, f"its {role} {value.name!r} has shape {value.shape}, needs {wanted} dimensions")
