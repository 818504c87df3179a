"""Resource variables as state tensors: what VAR_HANDLE, CALL_ONCE and their kin come down to.

A converter writes a variable as handles with a shared name, a subgraph that CALL_ONCE runs before
the first inference to assign its first value, and ops that read and assign it. All of that is
known at compile time: here each variable becomes a tensor of the main graph, with its first value
as data, which READ_VARIABLE reads and ASSIGN_VARIABLE writes under its own number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NoReturn

from tinykit.compiler import flatfile
from tinykit.compiler.flatfile import FileRecord, OpRecord, TensorRecord
from tinykit.errors import ModelError

_DONE = frozenset({"VAR_HANDLE", "CALL_ONCE"})

OPTIONS = {"VarHandleOptions", "CallOnceOptions"}
"""Options tables that `resolve` reads."""

_Name = tuple[str, str]  # container, shared name


def resolve(record: FileRecord) -> FileRecord:
    """Return the main graph with a tensor for each variable that it reads or assigns.

    Parameters
    ----------
    record : FileRecord
        Its tensor numbers, and those of the subgraphs it calls, point somewhere.

    Raises
    ------
    ModelError
        When a handle is not made by VAR_HANDLE, or a first value is not a constant.
    """
    if not any(op.builtin in _DONE for op in record.ops):
        return record
    handles, first = _handles(record), _first_values(record)
    tensors, ops = list(record.tensors), list(record.ops)
    states: dict[_Name, int] = {}
    for index, op in enumerate(record.ops):
        if op.builtin in _DONE:  # its handle is no tensor that could be read
            ops[index] = dataclasses.replace(op, inputs=(), outputs=(), done=True)
        if op.builtin not in ("READ_VARIABLE", "ASSIGN_VARIABLE"):
            continue
        name, value = _variable(op, index, handles)
        if name not in states:
            states[name] = len(tensors)
            like = first.get(name, tensors[value])
            tensors.append(
                dataclasses.replace(
                    like,
                    name=name[1],
                    variable=True,
                    resource=True,
                    buffer=like.buffer if name in first else 0,
                )
            )
        if op.builtin == "READ_VARIABLE":
            ops[index] = dataclasses.replace(op, inputs=(states[name],))
        else:
            ops[index] = dataclasses.replace(op, inputs=(value,), outputs=(states[name],))
    return dataclasses.replace(record, tensors=tensors, ops=ops)


def _handles(record: FileRecord) -> dict[int, _Name]:
    """Return the variable that each handle tensor stands for."""
    found = {}
    for index, op in enumerate(record.ops):
        if op.builtin == "VAR_HANDLE":
            if len(op.outputs) != 1 or not _has(op, "VarHandleOptions"):
                _damaged(
                    index, op, f"has {len(op.outputs)} outputs and options {op.options_name!r}"
                )
            found[op.outputs[0]] = (_text(op.options.container), _text(op.options.sharedName))
    return found


def _has(op: OpRecord, options_name: str) -> bool:
    """Whether `op` has options, and of this table: a damaged file may name any."""
    return op.options is not None and op.options_name == options_name


def _text(name: bytes | str | None) -> str:
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name or ""


def _first_values(record: FileRecord) -> dict[_Name, TensorRecord]:
    """Return the constants that the subgraphs of CALL_ONCE assign."""
    found = {}
    for index, graph in _called(record):
        handles = _handles(graph)
        for inner, op in enumerate(graph.ops):
            if op.builtin == "VAR_HANDLE":
                continue
            if op.builtin != "ASSIGN_VARIABLE":
                raise ModelError(
                    f"op {index} CALL_ONCE: runs {op.builtin} to make first values",
                    "only assigning constants to variables is supported",
                )
            name, value = _variable(op, inner, handles)
            stored = graph.tensors[value].buffer
            if not (0 <= stored < len(record.buffers) and record.buffers[stored].size):
                raise ModelError(
                    f"op {index} CALL_ONCE: the first value of {name[1]!r} is not a constant"
                )
            found[name] = graph.tensors[value]
    return found


def _called(record: FileRecord) -> Iterator[tuple[int, FileRecord]]:
    for index, op in enumerate(record.ops):
        if op.builtin == "CALL_ONCE":
            number = op.options.initSubgraphIndex if _has(op, "CallOnceOptions") else -1
            if not 1 <= number <= len(record.called):
                _damaged(index, op, f"calls subgraph {number} of {len(record.called) + 1}")
            yield index, record.called[number - 1]


def _variable(op: OpRecord, index: int, handles: dict[int, _Name]) -> tuple[_Name, int]:
    """Return the variable that `op` reads or assigns, and the tensor to which or from which."""
    read = op.builtin == "READ_VARIABLE"
    keys = op.inputs + op.outputs
    if (len(op.inputs), len(op.outputs)) != ((1, 1) if read else (2, 0)) or keys[1] < 0:
        _damaged(index, op, f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    if keys[0] not in handles:
        _damaged(index, op, f"tensor {keys[0]} is no handle of a variable")
    return handles[keys[0]], keys[1]


def _damaged(index: int, op: OpRecord, problem: str) -> NoReturn:
    raise ModelError(f"op {index} {op.builtin}: {problem}", flatfile.NOT_A_MODEL_HINT)
