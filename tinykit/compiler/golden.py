"""The golden interpreter: TensorFlow Lite Micro's reference kernels, in a process of their own.

What it computes is what every other implementation (numpy, C on the host, C on the device) must
compute, byte for byte.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import flatfile, float_ends, golden_worker, schema
from tinykit.errors import ModelError

Array = NDArray[Any]

TIMEOUT_S = 300.0
"""Limit for one request; a batch of vectors is one request."""

_MAX_ARENA_BYTES = 1 << 30
_BYTES = {"INT16": 2, "INT32": 4, "FLOAT32": 4, "INT64": 8}  # per element; 1 otherwise


class Golden:
    """A model in the golden interpreter. Use it in a `with` block, or `close` it.

    Parameters
    ----------
    data : bytes
        The .tflite file.
    timeout_s : float
        How long one request may take.

    Raises
    ------
    ModelError
        When the interpreter refuses the model, crashes on it, or takes too long.
    """

    def __init__(self, data: bytes, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._worker = _Worker(timeout_s)
        self.load(data)

    def load(self, data: bytes) -> None:
        """Replace the model. The process stays, which is much faster than a new one.

        Raises
        ------
        ModelError
            As the constructor does; then no model is loaded.
        """
        record = flatfile.read_file(data, set())
        arena = _arena_bytes(record)
        header = {"command": "load", "outputs": len(record.outputs), "keep": True}
        while True:
            if not self._worker.alive:
                self._worker = _Worker(self._timeout_s)
            try:
                self._worker.ask({**header, "arena_bytes": arena}, [np.frombuffer(data, np.uint8)])
                break
            except ModelError as error:
                # an arena that is too small can end in a crash as well as in a message
                if arena * 8 > _MAX_ARENA_BYTES or not _is_about_memory(error):
                    self.close()
                    raise
                arena *= 8
        ends = float_ends.integers(record) if _in_range(record) else {}
        behind = {key: record.tensors[integer] for key, integer in ends.items()}
        self._inputs = len(record.inputs)
        self._input_ends = [behind.get(key) for key in record.inputs]
        self._output_ends = [behind.get(key) for key in record.outputs]
        self._keys = sorted(
            {
                key
                for op in record.ops
                for key in op.inputs + op.outputs
                if key >= 0 and record.tensors[key].type != "RESOURCE"
            }
            | set(record.inputs)
            | set(record.outputs)
        )

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Compute one inference. State, where the model has some, carries over."""
        return [rows[0] for rows in self.run_many([value[None] for value in inputs])]

    def run_many(self, inputs: Sequence[Array]) -> list[Array]:
        """Compute one inference for each row, in order.

        Parameters
        ----------
        inputs : sequence of arrays (N, *shape of the input)
            Where the model has float ends (`tinykit.compiler.float_ends`), the integers behind
            them go in and come out, as they do with the compiled model.

        Returns
        -------
        list of arrays (N, *shape of the output)
        """
        if len(inputs) != self._inputs or len({len(value) for value in inputs}) != 1:
            rows = [len(value) for value in inputs]
            raise ModelError(
                f"golden interpreter: {len(inputs)} inputs of {rows} rows given, "
                f"the model has {self._inputs} inputs"
            )
        if len(inputs[0]) == 0:
            raise ModelError("golden interpreter: no input vectors given")
        given = [
            value if end is None else _dequantized(value, end)
            for value, end in zip(inputs, self._input_ends, strict=True)
        ]
        outputs = self._worker.ask({"command": "run"}, given)
        return [
            value if end is None else _quantized(value, end)
            for value, end in zip(outputs, self._output_ends, strict=True)
        ]

    def tensors(self, inputs: Sequence[Array]) -> dict[int, Array]:
        """Compute one inference and return every tensor that an op reads or writes, by number."""
        self.run(inputs)
        values = self._worker.ask({"command": "tensors", "keys": self._keys}, [])
        return dict(zip(self._keys, values, strict=True))

    def reset(self) -> None:
        """Return the state to its initial value."""
        self._worker.ask({"command": "reset"}, [])

    def close(self) -> None:
        """End the process."""
        self._worker.close()

    def __enter__(self) -> Golden:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def least_arena(data: bytes, resolution: int = 256) -> int:
    """Return the least arena, in bytes, in which tflite-micro loads and runs a model here.

    Found by trying, each time in a process of its own: too small an arena may crash it. On this
    computer pointers have 64 bits; an interpreter with 32-bit ones needs less.

    Raises
    ------
    ModelError
        When it runs in no arena.
    """
    record = flatfile.read_file(data, set())
    header = {"command": "load", "outputs": len(record.outputs), "keep": False}
    types = {**schema.DTYPES, "FLOAT32": np.dtype(np.float32)}
    inputs = [record.tensors[key] for key in record.inputs]
    zeros = [np.zeros((1, *tensor.shape), types[tensor.type]) for tensor in inputs]

    def outputs(size: int) -> list[Array]:
        worker = _Worker(TIMEOUT_S)
        try:
            worker.ask({**header, "arena_bytes": size}, [np.frombuffer(data, np.uint8)])
            return worker.ask({"command": "run"}, zeros)
        finally:
            worker.close()

    def runs(size: int) -> bool:
        try:
            return all(map(np.array_equal, outputs(size), expected))
        except ModelError:
            return False

    low, high = 0, _arena_bytes(record)
    expected = outputs(high)
    high = -(-high // resolution)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if runs(middle * resolution) else (middle, high)
    return high * resolution


def _in_range(record: flatfile.FileRecord) -> bool:
    keys = {key for op in record.ops for key in (*op.inputs, *op.outputs)}
    return all(key < len(record.tensors) for key in keys)


def _dequantized(values: Array, like: flatfile.TensorRecord) -> Array:
    """Return what DEQUANTIZE makes of integers; floats as they are."""
    if values.dtype.kind == "f":
        return values
    return (values.astype(np.float32) - np.float32(like.zero_point[0])) * like.scale[0]


def _quantized(values: Array, like: flatfile.TensorRecord) -> Array:
    """Return the integers that DEQUANTIZE had."""
    integers = np.rint(values / like.scale[0]) + like.zero_point[0]
    return integers.astype(schema.DTYPES[like.type])


def _arena_bytes(record: flatfile.FileRecord) -> int:
    """Return an arena that is ample for a model whose tensors all stay alive."""
    values = sum(
        math.prod(map(abs, tensor.shape)) * _BYTES.get(tensor.type, 1) + 64
        for tensor in record.tensors
    )
    # twice for scratch, half a KiB of bookkeeping for each tensor and op, and room for tables
    arena = 2 * values + 512 * (len(record.tensors) + len(record.ops)) + (1 << 20)
    if arena > _MAX_ARENA_BYTES:
        raise ModelError(
            f"golden interpreter: the tensors take {values:,} B",
            "no microcontroller can hold them: use a smaller model",
        )
    return arena


def _is_about_memory(error: ModelError) -> bool:
    text = error.message.lower()
    return any(word in text for word in ("arena", "alloc", "crashed", "memory", "buffer"))


class _Worker:
    """The interpreter's process. The pipe's end ends it, so that it never outlives its owner."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(golden_worker.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._end = weakref.finalize(self, _end, self._process, self._log)

    def ask(self, header: dict[str, Any], arrays: list[Array]) -> list[Array]:
        """Send a request and return the arrays of the reply."""
        if not self._end.alive:
            raise ModelError("golden interpreter: already closed")
        log_start = self._log.seek(0, os.SEEK_END)
        assert self._process.stdin is not None and self._process.stdout is not None
        timed_out = threading.Event()

        def give_up() -> None:
            timed_out.set()
            self._process.kill()

        late = threading.Timer(self._timeout_s, give_up)
        late.start()
        try:
            golden_worker.send(self._process.stdin, header, arrays)
            reply = golden_worker.receive(self._process.stdout)
        except BrokenPipeError:
            reply = None
        finally:
            late.cancel()
        if reply is None:
            code = self._process.wait()
            why = f"crashed (exit {code})"
            if timed_out.is_set():
                why = f"took more than {self._timeout_s:g} s"
            raise ModelError(
                f"golden interpreter: {why}{self._said(log_start)}",
                "the model is damaged, or TFLM does not support it",
            )
        answer, results = reply
        if "error" in answer:
            raise ModelError(
                f"golden interpreter: {answer['error']}{self._said(log_start)}",
                "TFLM does not accept this model or these inputs",
            )
        return results

    @property
    def alive(self) -> bool:
        """Whether the process can still answer."""
        return self._end.alive and self._process.poll() is None

    def close(self) -> None:
        self._end()

    def _said(self, start: int) -> str:
        """Return the last lines that TFLM printed since `start`."""
        self._log.seek(start)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return ": " + "; ".join(lines[-3:]) if lines else ""


def _end(process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.stdin is not None and process.stdout is not None
    for stream in (process.stdin, process.stdout, log):
        with contextlib.suppress(BrokenPipeError):  # unsent bytes to a process that is gone
            stream.close()
