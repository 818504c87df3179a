"""Prove that a device computes exactly what the model computes, and measure what it costs.

Every output byte is compared with the golden interpreter's; audio goes through the device's own
front end, whose rows are compared with those the model was trained and tested on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.device.client import Client
from tinykit.device.replies import Hello, Inference
from tinykit.device.result import DeviceResult, FrontEndResult, Mismatch, Spread, most
from tinykit.device.vectors import Vectors, parts
from tinykit.errors import DataError, DeviceError
from tinykit.progress import Progress, silent


def check_firmware(
    hello: Hello, model_sha256: str | None, board: str | None, build: str | None = None
) -> None:
    """Check that the device runs the expected firmware; None: anything will do.

    Raises
    ------
    DeviceError
        When the board, the model or the build is another one.
    """
    for what, runs, expected in (
        ("board", hello.board, board),
        ("model", hello.model_sha256, model_sha256),
        ("build", hello.build, build),
    ):
        if expected is not None and runs != expected:
            raise DeviceError(
                f"wrong firmware: the device runs {what} {runs} of app {hello.app!r}, expected "
                f"{what} {expected}",
                "put the right one there: tinykit flash",
            )


def validate(
    client: Client,
    vectors: Vectors,
    *,
    model_sha256: str | None = None,
    board: str | None = None,
    build: str | None = None,
    stream: bool = False,
    progress: Progress = silent,
) -> DeviceResult:
    """Run every vector on the device and compare every byte.

    Each inference starts from the model's initial state, or, when the vectors are the hops of one
    `stream`, only the first does. A mismatch does not raise: see
    `DeviceResult.require_exact`. To be run again from the start after an interruption: the
    session's `hello` resets the device.

    Raises
    ------
    DeviceError
        When the wrong firmware runs, or the device misbehaves; says how many inputs were done.
    DataError
        When the vectors do not fit the model on the device.
    """
    vectors.check()
    hello = client.hello()
    check_firmware(hello, model_sha256, board, build)
    _check_sizes(hello, vectors)
    result = DeviceResult(client.port, hello)
    clips = 0 if vectors.audio is None else len(vectors.audio)
    total = len(vectors.x) + clips
    try:
        costs = []
        for index, x in enumerate(vectors.x):
            progress("features", index, total)
            inputs = parts(x, hello.input_bytes)
            inference = client.infer(inputs) if stream else _infer(client, inputs)
            costs.append(hello.cost(inference.ticks, inference.overhead_ticks))
            result.outputs.append(np.concatenate(inference.outputs))
            _count(result, inference, "output", index, vectors.y[index])
        result.cost = Spread.of(costs)
        if vectors.audio is not None:
            _validate_front_end(client, vectors, result, progress)
    except DeviceError as reason:
        done = f" (after {result.inputs_tested} of {total} inputs)"
        raise type(reason)(reason.message + done, reason.hint) from None
    progress("test", total, total)
    if vectors.labels is not None:
        guesses = [int(output.view(vectors.y.dtype).argmax()) for output in result.outputs]
        result.accuracy = float(np.mean(np.equal(guesses, vectors.labels)))
    return result


def _validate_front_end(
    client: Client, vectors: Vectors, result: DeviceResult, progress: Progress
) -> None:
    """Send the clips; compare the device's rows, and the outputs that they lead to.

    Where the model's inputs are something else (`Vectors.features`), the rows are all there is.
    """
    assert vectors.audio is not None
    expected = vectors.x if vectors.features is None else vectors.features
    front = result.front_end = FrontEndResult()
    total = len(vectors.x) + len(vectors.audio)
    rows, spent = 0, 0.0
    for index, clip in enumerate(vectors.audio):
        progress("audio", len(vectors.x) + index, total)
        made = client.features(clip)
        cost = client.features_cost()
        rows += cost.rows
        spent += result.hello.cost(cost.ticks, cost.overhead_ticks * cost.calls)
        differs = _difference("features", index, made, expected[index])
        front.clips += 1
        front.mismatches += differs is not None
        front.stack_bytes = most(front.stack_bytes, cost.stack_bytes)
        if vectors.features is not None:
            result.count(differs)
            continue
        inference = client.infer_in_place()
        _count(result, inference, "output from audio", index, vectors.y[index], differs)
    front.per_hop = spent / rows if rows else 0.0


def _infer(client: Client, inputs: Sequence[NDArray[Any]]) -> Inference:
    if client.info.state_bytes:
        client.reset()
    return client.infer(inputs)


def _count(
    result: DeviceResult,
    inference: Inference,
    what: str,
    vector: int,
    expected: NDArray[Any],
    earlier: Mismatch | None = None,
) -> None:
    """Add one inference to the result; `earlier` is what already differed on the way to it."""
    given = np.concatenate(inference.outputs)
    differs = earlier or _difference(what, vector, given, expected)
    result.count(differs)
    result.stack_bytes = most(result.stack_bytes, inference.stack_bytes)


def _difference(
    what: str, vector: int, device: NDArray[Any], expected: NDArray[Any]
) -> Mismatch | None:
    ours = np.frombuffer(np.ascontiguousarray(expected).tobytes(), np.int8)
    theirs = np.frombuffer(np.ascontiguousarray(device).tobytes(), np.int8)
    if np.array_equal(ours, theirs):
        return None
    if len(ours) != len(theirs):
        raise DeviceError(
            f"{what} of vector {vector}: the device gave {len(theirs)} bytes, expected {len(ours)}",
            "the firmware's front end has other parameters: tinykit generate, build, flash",
        )
    at = int(np.flatnonzero(ours != theirs)[0])
    return Mismatch(what, vector, at, int(theirs[at]), int(ours[at]))


def _check_sizes(hello: Hello, vectors: Vectors) -> None:
    given = vectors.x[0].nbytes, vectors.y[0].nbytes
    takes = sum(hello.input_bytes), sum(hello.output_bytes)
    if given != takes:
        raise DataError(
            f"the vectors have {given[0]} bytes in, {given[1]} out; the model on the device "
            f"{takes[0]} in, {takes[1]} out",
            "vectors of another model? make them again: tinykit quantize",
        )


def run_tensors(
    client: Client, inputs: Sequence[NDArray[Any]], progress: Progress = silent
) -> list[NDArray[np.int8]]:
    """Run the user's own tensors on the device.

    Parameters
    ----------
    inputs : sequence of arrays (N, *input shape), one for each input of the model

    Returns
    -------
    list of int8 (N, output bytes), one for each output of the model

    Raises
    ------
    DataError
        When the arrays do not fit the model on the device.
    DeviceError
        When the device misbehaves.
    """
    hello = client.hello()
    sizes = tuple(x.nbytes // len(x) if x.ndim and len(x) else 0 for x in inputs)
    if sizes != hello.input_bytes or len({len(x) for x in inputs}) != 1:
        raise DataError(
            f"given arrays {[f'{x.dtype}{list(x.shape)}' for x in inputs]}; the model on the "
            f"device takes {hello.input_bytes} bytes for each row",
            "the first axis counts the rows; quantized values, as the model takes them",
        )
    rows = []
    for index in range(len(inputs[0])):
        progress("inputs", index, len(inputs[0]))
        rows.append(_infer(client, [x[index] for x in inputs]).outputs)
    progress("inputs", len(rows), len(rows))
    return [np.stack(column) for column in zip(*rows, strict=True)]
