"""The process in which the golden interpreter runs, and how one talks to it.

TFLM crashes on some bad models; here that ends this process, not the user's. The file is run as a
script and imports nothing of tinykit. Messages in both directions are one line of JSON followed by
the raw bytes of the arrays that it lists.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def send(stream: IO[bytes], header: dict[str, Any], arrays: list[Array]) -> None:
    """Write one message."""
    shapes = [[array.dtype.str, list(array.shape)] for array in arrays]
    stream.write(json.dumps({**header, "arrays": shapes}).encode() + b"\n")
    for array in arrays:
        stream.write(np.ascontiguousarray(array).data)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], list[Array]] | None:
    """Read one message; None when the other side is gone."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    header = json.loads(line)
    arrays = []
    for dtype, shape in header.pop("arrays"):
        array = np.empty(shape, dtype)
        raw = stream.read(array.nbytes)
        if len(raw) < array.nbytes:
            return None
        arrays.append(np.frombuffer(raw, dtype).reshape(shape))
    return header, arrays


class _Session:
    def __init__(self) -> None:
        self.interpreter: Any = None
        self.outputs = 0

    def load(self, header: dict[str, Any], arrays: list[Array]) -> list[Array]:
        """Prepare the interpreter for the model in `arrays[0]`.

        Unless `header` says `keep`, memory is used again, as on a device.
        """
        from tflite_micro import runtime

        self.outputs = header["outputs"]
        configurations = runtime.InterpreterConfig
        self.interpreter = runtime.Interpreter.from_bytes(
            arrays[0].tobytes(),
            arena_size=header["arena_bytes"],
            intrepreter_config=configurations.kPreserveAllTensors  # their spelling
            if header["keep"]
            else configurations.kAllocationRecording,
        )
        return []

    def run(self, header: dict[str, Any], arrays: list[Array]) -> list[Array]:
        """Infer each row of the stacked inputs; return the stacked outputs."""
        rows = []
        for values in zip(*arrays, strict=True):
            for position, value in enumerate(values):
                self.interpreter.set_input(np.ascontiguousarray(value), position)
            self.interpreter.invoke()
            rows.append([self.interpreter.get_output(i).copy() for i in range(self.outputs)])
        return [np.stack(column) for column in zip(*rows, strict=True)]

    def tensors(self, header: dict[str, Any], arrays: list[Array]) -> list[Array]:
        """Return the tensors that `header` asks for, as the last inference left them."""
        return [
            np.array(self.interpreter.GetTensor(key, 0)["tensor_data"]) for key in header["keys"]
        ]

    def reset(self, header: dict[str, Any], arrays: list[Array]) -> list[Array]:
        """Return the state to its initial value."""
        self.interpreter.reset()
        return []


def main() -> None:
    """Answer requests until the other side closes the pipe."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever TFLM prints must not get into the replies
    session = _Session()
    while (message := receive(sys.stdin.buffer)) is not None:
        header, arrays = message
        try:
            result = getattr(session, header["command"])(header, arrays)
        except (RuntimeError, ValueError, TypeError) as error:
            send(replies, {"error": str(error)}, [])
        else:
            send(replies, {}, result)


if __name__ == "__main__":
    main()
