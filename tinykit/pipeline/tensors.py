"""The user's own tensors on the device, and what came back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit import paths
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite
from tinykit.device.validate import check_firmware, run_tensors
from tinykit.errors import DataError
from tinykit.interop import mlperf
from tinykit.pipeline import files, vectors
from tinykit.pipeline.talking import client
from tinykit.progress import Progress
from tinykit.project import Project


def run(
    project: Project, inputs: list[Path], outputs: list[Path], progress: Progress
) -> dict[str, Any]:
    """Run the user's own tensors on the device and keep what comes back.

    Parameters
    ----------
    inputs, outputs : list of Path
        One .npy for each input and output of the model, (N, *shape), quantized. In place of the
        one input: a table of classes as MLPerf Tiny has it (`tinykit.interop.mlperf`); then the
        accuracy is returned too, the device's and the golden interpreter's.

    Raises
    ------
    DataError
        When a file cannot be read, or does not fit the model.
    DeviceError
        When the device misbehaves or runs other firmware.
    """
    labelled = _labelled(project, inputs)
    arrays = [labelled.x] if labelled else [_load(path) for path in inputs]
    _check_types(project, inputs, arrays)
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
    found = {"rows": len(arrays[0]), "outputs": [str(path) for path in outputs], "shapes": shapes}
    return found | (_judged(project, labelled, np.load(outputs[0])) if labelled else {})


def _labelled(project: Project, inputs: list[Path]) -> mlperf.Labelled | None:
    """Return inputs with classes; None when they are plain arrays."""
    if len(inputs) != 1 or inputs[0].suffix != ".csv":
        return None
    graph = read_tflite(project.path(files.TFLITE).read_bytes())
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise DataError(f"{inputs[0]}: the model has {len(graph.inputs)} inputs, classes need one")
    tensor = graph.tensors[graph.inputs[0]]
    found = mlperf.read(inputs[0], tensor.shape[1:], tensor.dtype)
    classes = graph.tensors[graph.outputs[0]].size
    if found.classes != classes:
        raise DataError(
            f"{inputs[0]}: {found.classes} classes, the model has {classes} outputs",
            "the classes are the model's own, in the order of its outputs",
        )
    return found


def _judged(
    project: Project, labelled: mlperf.Labelled, outputs: NDArray[Any]
) -> dict[str, float | bool]:
    """Return accuracies, and whether every byte was the golden interpreter's."""
    data = project.path(files.TFLITE).read_bytes()
    with Golden(data) as golden:
        wanted = vectors.outputs(golden, read_tflite(data), labelled.x)
    given = outputs.reshape(len(outputs), -1)
    return {
        "exact": bool(np.array_equal(given, wanted)),
        "accuracy": float((given.argmax(axis=1) == labelled.labels).mean()),
        "host_accuracy": float((wanted.argmax(axis=1) == labelled.labels).mean()),
    }


def _check_types(project: Project, paths_: list[Path], arrays: list[NDArray[Any]]) -> None:
    """Refuse arrays of another type than the inputs': their bytes would mean something else."""
    graph = read_tflite(project.path(files.TFLITE).read_bytes())
    tensors = [graph.tensors[key] for key in graph.inputs]
    for path, array, tensor in zip(paths_, arrays, tensors, strict=False):
        if array.dtype != tensor.dtype:
            raise DataError(
                f"{path} is {array.dtype}, the model's input {tensor.name!r} is {tensor.dtype}",
                f"quantize it: round(value / scale) + zero point, then .astype(np.{tensor.dtype})",
            )


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
