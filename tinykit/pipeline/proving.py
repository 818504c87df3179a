"""test: the device computes what the model computes, byte for byte; measured while it does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit import doctor, paths
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite
from tinykit.device.client import Client
from tinykit.device.divergence import first_divergence
from tinykit.device.result import DeviceResult
from tinykit.device.transport import SerialTransport
from tinykit.device.validate import check_firmware, run_tensors, validate
from tinykit.device.vectors import Vectors
from tinykit.errors import DataError, MismatchError, TinykitError
from tinykit.firmware import build as builder
from tinykit.firmware import runners
from tinykit.pipeline import budget, building, files, vectors
from tinykit.progress import Progress
from tinykit.project import Project


def run(project: Project, progress: Progress) -> None:
    """Send golden vectors to the device, compare what comes back, measure, hold the budget."""
    settings = project.config.test
    found, origin = vectors.for_model(project)
    chosen = vectors.some(found, settings.vectors, settings.audio_clips)
    plan = files.read_json(project.path(files.PLAN))
    made = building.firmware(project)
    with client(project) as device:
        if plan["features"] is None and chosen.audio is not None:
            chosen = dataclasses.replace(chosen, audio=None)
        result = validate(
            device,
            chosen,
            model_sha256=plan["sha256"],
            board=project.board.id,
            build=made.id,
            progress=progress,
        )
    traced = _traced(project, chosen, result, progress)
    manifest = result.to_json() | {
        "vectors": len(chosen.x),
        "vectors_from": origin,
        "elf_sha256": made.sha256,
        "op_costs": traced.costs,
        "first_diverging_op": traced.divergence,
    }
    if project.board.emulator:
        manifest["emulator"] = f"qemu-system-arm {doctor.version('qemu-system-arm')}"
    files.write_json(project.path(files.DEVICE), manifest)
    if not result.exact:
        where = f"; first diverging op: {traced.divergence}" if traced.divergence else ""
        raise MismatchError(
            f"{project.board.id}: {result.mismatches} of {result.inputs_tested} inputs differ; "
            f"first: {result.first_mismatch}{where}",
            'try optimize = "size" or another C compiler: does it still differ?',
        )
    budget.check(project, plan, manifest)


@contextmanager
def client(project: Project) -> Iterator[Client]:
    """Open the port of the device that runs the project's firmware.

    Raises
    ------
    DeviceError
        When nothing was flashed, or the port cannot be opened.
    """
    port = project.port or runners.running(project.board, project.build).port
    with SerialTransport(port, project.board.baud) as transport:
        yield Client(transport)


@dataclasses.dataclass(frozen=True)
class _Traced:
    """What a trace build tells: the cost of each op, the first op that differs."""

    costs: dict[int, float] | None = None  # by the op's number
    divergence: str | None = None


def _traced(project: Project, chosen: Vectors, result: DeviceResult, progress: Progress) -> _Traced:
    """Run one input on a trace build: where the bytes differ, or, emulated, what each op costs.

    On real boards only a mismatch is worth flashing twice. The release firmware is put back.
    """
    if result.exact and not project.board.emulator:
        return _Traced()
    progress("trace", 0, 1)
    runner = runners.runner(project.board)
    release = building.firmware(project)
    try:
        trace = builder.build(project.path(files.FIRMWARE), project.board, trace=True)
        runner.flash(trace, project.build, project.port)
        with client(project) as device:
            hello = device.hello()
            vector = result.first_mismatch.vector if result.first_mismatch else 0
            inputs = [chosen.x[vector]]
            if not result.exact:
                return _Traced(divergence=_divergence(project, device, inputs))
            device.reset()
            rows = device.trace(inputs)
            return _Traced(
                {row.op: hello.cost(row.ticks, row.overhead_ticks) for row in rows if row.bytes}
            )
    except TinykitError as reason:
        return _Traced(divergence=None if result.exact else f"unknown ({reason.message})")
    finally:
        runner.flash(release, project.build, project.port)
        progress("trace", 1, 1)


def _divergence(project: Project, device: Client, inputs: list[NDArray[Any]]) -> str:
    """Name the first op whose output is not the golden interpreter's."""
    data = project.path(files.TFLITE).read_bytes()
    compiled = compile_model(data, project.board.processor, project.config.compile.optimize)
    tensors = [compiled.graph.tensors[key] for key in compiled.graph.inputs]
    shaped = [x.reshape(tensor.shape) for x, tensor in zip(inputs, tensors, strict=True)]
    with Golden(data) as golden:
        values = golden.tensors(shaped)
    expected = [
        (op.index, values[key].tobytes())
        for op in compiled.graph.ops
        for key in op.outputs
        if key in values
    ]
    found = first_divergence(device, inputs, expected)
    if found is None:
        return "none in the trace build: only the release build differs"
    kind = next(op.kind for op in compiled.graph.ops if op.index == found.op)
    return f"{kind}, {found}"


def run_user_tensors(
    project: Project, inputs: list[Path], outputs: list[Path], progress: Progress
) -> dict[str, Any]:
    """Run the user's own tensors on the device and keep what comes back.

    Parameters
    ----------
    inputs, outputs : list of Path
        One .npy for each input and output of the model, (N, *shape), quantized.

    Raises
    ------
    DataError
        When a file cannot be read, or does not fit the model.
    DeviceError
        When the device misbehaves or runs other firmware.
    """
    arrays = [_load(path) for path in inputs]
    with client(project) as device:
        plan = files.read_json(project.path(files.PLAN))
        check_firmware(device.hello(), plan["sha256"], project.board.id)
        results = run_tensors(device, arrays, progress)
    if len(results) != len(outputs):
        raise DataError(
            f"the model has {len(results)} outputs, {len(outputs)} files were named",
            "give --outputs once for each output",
        )
    shapes = []
    for path, rows, shape in zip(outputs, results, _output_types(project), strict=True):
        dims, dtype = shape
        typed = rows.view(dtype).reshape(len(rows), *dims)
        with paths.atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, typed)
        shapes.append(list(typed.shape))
    return {"rows": len(arrays[0]), "outputs": [str(path) for path in outputs], "shapes": shapes}


def _output_types(project: Project) -> list[tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return shape, without the batch, and type of each output of the model."""
    graph = read_tflite(project.path(files.TFLITE).read_bytes())
    tensors = [graph.tensors[key] for key in graph.outputs]
    return [(tensor.shape[1:], tensor.dtype) for tensor in tensors]


def _load(path: Path) -> NDArray[Any]:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as reason:
        raise DataError(f"{path}: not a .npy array: {reason}", "numpy.save writes one") from None
