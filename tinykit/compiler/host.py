"""Run a compiled model's C on the development computer, from numpy."""

from __future__ import annotations

import ctypes
import itertools
import shutil
import struct
import subprocess
import tempfile
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import toolchain
from tinykit.compiler.compiled import CompiledModel
from tinykit.compiler.ir import Tensor
from tinykit.errors import MismatchError, ToolError, UsageError

Array = NDArray[Any]
Record = tuple[int, bytes]  # op number, bytes of one of its outputs

_SHIM = Path(__file__).resolve().parent / "host_shim.c"
_MODEL_OUTPUTS = 0xFFFFFFFF
_SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")
_TIMEOUT_S = 120


class HostModel:
    """The generated C, compiled with the host's compiler and loaded.

    Kernels made for instructions that the host has not are replaced by the portable ones.

    Parameters
    ----------
    compiled : CompiledModel
    sanitize : bool
        Run it in a process of its own under the address and undefined-behaviour sanitizers.
    compiler : str, optional
        "gcc" or "clang"; the first found by default.

    Raises
    ------
    ToolError
        When there is no C compiler.
    """

    def __init__(
        self, compiled: CompiledModel, sanitize: bool = False, compiler: str | None = None
    ) -> None:
        graph = compiled.graph
        self._inputs = [graph.tensors[key] for key in graph.inputs]
        self._outputs = [graph.tensors[key] for key in graph.outputs]
        folder = Path(tempfile.mkdtemp(prefix="tinykit-host-"))
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        for name, text in compiled.for_host().sources.items():
            (folder / name).write_text(text, encoding="utf-8")
        program = toolchain.host_compiler(compiler)
        self._runner: _Runner = (_Process if sanitize else _Library)(program, folder)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run one inference; return the outputs.

        Parameters
        ----------
        inputs : one array for each model input, of its shape and dtype
        """
        return self._infer(inputs, traced=False)[0]

    def trace(self, inputs: Sequence[Array]) -> list[Record]:
        """Run one inference; return (op number, bytes) for each output of each op, in order."""
        return self._infer(inputs, traced=True)[1]

    def reset(self) -> None:
        """Set the state to its initial value."""
        self._runner.reset()

    def close(self) -> None:
        """Remove the files; the model cannot be run any more. Forgetting it does the same."""
        self._remove()

    def __enter__(self) -> HostModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _infer(self, inputs: Sequence[Array], traced: bool) -> tuple[list[Array], list[Record]]:
        if len(inputs) != len(self._inputs):
            raise UsageError(f"the model has {len(self._inputs)} inputs, {len(inputs)} were given")
        for value, tensor in zip(inputs, self._inputs, strict=True):
            if value.shape != tensor.shape or value.dtype != tensor.dtype:
                raise UsageError(
                    f"input {tensor.name!r} is {tensor.dtype} {tensor.shape}, "
                    f"{value.dtype} {value.shape} was given"
                )
        data = [np.ascontiguousarray(value).tobytes() for value in inputs]
        sizes = [tensor.nbytes for tensor in self._outputs]
        results, records = self._runner.infer(data, sizes, traced)
        return [_array(r, t) for r, t in zip(results, self._outputs, strict=True)], records


def _array(data: bytes, tensor: Tensor) -> Array:
    return np.frombuffer(data, tensor.dtype).reshape(tensor.shape).copy()


_TRACE = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)


class _Runner(ABC):
    """A way to call the compiled C."""

    @abstractmethod
    def infer(
        self, inputs: list[bytes], sizes: list[int], traced: bool
    ) -> tuple[list[bytes], list[Record]]:
        """Run one inference; return the outputs, of `sizes` bytes, and the trace if wanted."""

    @abstractmethod
    def reset(self) -> None:
        """Set the state to its initial value."""


class _Library(_Runner):
    """The model as a shared library in this process."""

    def __init__(self, program: str, folder: Path) -> None:
        options = ("-std=c99", "-O2", "-fno-strict-aliasing", "-fPIC", "-shared", "-DTK_TRACE")
        sources = ("tk_model.c", str(_SHIM))
        toolchain.run([program, *options, "-I.", *sources, "-o", "model.so"], folder)
        self._records: list[Record] = []
        self._library = ctypes.CDLL(str(folder / "model.so"))
        self._library.tk_model_input.restype = ctypes.c_void_p
        self._library.tk_model_output.restype = ctypes.c_void_p
        self._callback = _TRACE(self._trace)  # must outlive the library
        self.reset()

    def _trace(self, op: int, data: int, size: int) -> None:
        self._records.append((op, ctypes.string_at(data, size)))

    def infer(
        self, inputs: list[bytes], sizes: list[int], traced: bool
    ) -> tuple[list[bytes], list[Record]]:
        self._records = []
        # No Python inside the C unless asked for: ctypes would swallow a Ctrl-C that falls there.
        self._library.tk_host_set_trace(self._callback if traced else _TRACE())
        for index, data in enumerate(inputs):
            ctypes.memmove(self._library.tk_model_input(index), data, len(data))
        self._library.tk_model_invoke()
        outputs = [
            ctypes.string_at(self._library.tk_model_output(index), size)
            for index, size in enumerate(sizes)
        ]
        return outputs, self._records

    def reset(self) -> None:
        self._library.tk_model_reset()


class _Process(_Runner):
    """The model as a program under sanitizers; what they find becomes a MismatchError."""

    def __init__(self, program: str, folder: Path) -> None:
        options = ("-std=c99", *_SANITIZE, "-fno-strict-aliasing", "-DTK_TRACE", "-DTK_HOST_MAIN")
        sources = ("tk_model.c", str(_SHIM))
        toolchain.run([program, *options, "-I.", *sources, "-o", "model"], folder)
        self._program = folder / "model"
        self._history: list[bytes] = []  # requests since the last reset

    def infer(
        self, inputs: list[bytes], sizes: list[int], traced: bool
    ) -> tuple[list[bytes], list[Record]]:
        self._history.append(b"i" + b"".join(inputs))
        try:
            done = subprocess.run(
                [self._program],
                input=b"".join(self._history),
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"the model did not end within {_TIMEOUT_S} s on the host") from error
        if done.returncode != 0:
            report = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
            found = next((line for line in report if "rror" in line), report[0])
            raise MismatchError(f"the sanitizers stopped the generated C: {found}")
        records = _parse(done.stdout)
        ends = [i for i, (op, _) in enumerate(records) if op == _MODEL_OUTPUTS]
        start = ends[-2] + 1 if len(ends) > 1 else 0
        joined = records[ends[-1]][1]
        cuts = np.cumsum([0, *sizes])
        outputs = [joined[a:b] for a, b in itertools.pairwise(cuts)]
        return outputs, records[start : ends[-1]]

    def reset(self) -> None:
        self._history = []


def _parse(data: bytes) -> list[Record]:
    records, at = [], 0
    while at < len(data):
        op, size = struct.unpack_from("=II", data, at)
        records.append((op, data[at + 8 : at + 8 + size]))
        at += 8 + size
    return records
