"""Golden vectors for the project's model: those of the quantize stage, or new ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler.golden import Golden
from tinykit.compiler.ir import Graph
from tinykit.compiler.reader import read_tflite
from tinykit.device.vectors import Vectors
from tinykit.pipeline import files
from tinykit.project import Project

RANDOM_INPUTS = 20
"""How many inputs are made for a model that comes without any."""

_CHECKED = 3
_SEED = 20261


def for_model(project: Project) -> tuple[Vectors, str]:
    """Return golden vectors that belong to `model.tflite`, and in a few words where they are from.

    `vectors.npz` is used when the golden interpreter gives its outputs for its first inputs. If it
    does not (the user put a model of his own in place), the inputs are kept and the outputs made
    anew; where there are no inputs that fit, they are drawn at random.

    Raises
    ------
    ModelError
        When the golden interpreter refuses the model.
    DataError
        When `vectors.npz` is corrupt.
    """
    data = project.path(files.TFLITE).read_bytes()
    path = project.path(files.VECTORS)
    found = Vectors.load(path) if path.exists() else None
    graph = read_tflite(data)
    with Golden(data) as golden:
        if found is None or not _fits(graph, found):
            return _random(golden, graph), "random inputs"
        made = outputs(golden, graph, found.x[:_CHECKED]).reshape(-1, *found.y.shape[1:])
        if made.dtype == found.y.dtype and np.array_equal(made, found.y[:_CHECKED]):
            return found, "test clips"
        anew = dataclasses.replace(found, y=outputs(golden, graph, found.x))
        return anew, "test clips, outputs made anew"


def _random(golden: Golden, graph: Graph) -> Vectors:
    """Return vectors from seeded inputs: all at the least, all at the greatest, then noise."""
    draw = np.random.default_rng(_SEED)
    drawn = []
    for key in graph.inputs:
        tensor = graph.tensors[key]
        limits = np.iinfo(tensor.dtype)
        shape = (RANDOM_INPUTS, *tensor.shape)
        x = draw.integers(limits.min, limits.max, shape, dtype=tensor.dtype, endpoint=True)
        x[0], x[1] = limits.min, limits.max
        drawn.append(x)
    rows = _joined(drawn)
    if len(drawn) == 1:
        batch = drawn[0].shape[1:2]
        rows = drawn[0][:, 0] if batch == (1,) else drawn[0]
    return Vectors(x=rows, y=outputs(golden, graph, rows))


def _fits(graph: Graph, found: Vectors) -> bool:
    """Whether the inputs are this model's; only models with one input and output have vectors."""
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return False
    tensor = graph.tensors[graph.inputs[0]]
    return found.x.shape[1:] == tensor.shape[1:] and found.x.dtype == tensor.dtype


def _joined(tensors: list[NDArray[Any]]) -> NDArray[np.int8]:
    """Return rows that hold the bytes of each tensor's row, one after the other."""
    return np.concatenate([x.reshape(len(x), -1).view(np.int8) for x in tensors], axis=1)


def _inputs(graph: Graph, x: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the tensors (N, *input shape) that the rows of `x` hold."""
    tensors = [graph.tensors[key] for key in graph.inputs]
    raw = np.ascontiguousarray(x).reshape(len(x), -1).view(np.int8)
    given = np.split(raw, np.cumsum([tensor.nbytes for tensor in tensors])[:-1], axis=1)
    return [
        np.ascontiguousarray(part).view(tensor.dtype).reshape(-1, *tensor.shape)
        for part, tensor in zip(given, tensors, strict=True)
    ]


def outputs(golden: Golden, graph: Graph, x: NDArray[Any]) -> NDArray[Any]:
    """Return the outputs (N, values), each inference from the initial state as on the device."""
    inputs = _inputs(graph, x)
    if any(tensor.state for tensor in graph.tensors.values()):
        made = []
        for row in zip(*inputs, strict=True):
            golden.reset()
            made.append(golden.run(list(row)))
        outputs = [np.stack(each) for each in zip(*made, strict=True)]
    else:
        outputs = golden.run_many(inputs)
    return outputs[0].reshape(len(x), -1) if len(outputs) == 1 else _joined(outputs)


def accuracy(vectors: Vectors) -> float | None:
    """Return the accuracy of the golden outputs, where the classes are known."""
    if vectors.labels is None:
        return None
    guesses = vectors.y.reshape(len(vectors.y), -1).argmax(axis=1)
    return float((guesses == vectors.labels).mean())


def some(vectors: Vectors, count: int, clips: int) -> Vectors:
    """Return the first `count` vectors (0: all), of them `clips` with audio."""
    count = min(count or len(vectors.x), len(vectors.x))
    audio = None if vectors.audio is None else vectors.audio[: min(clips, count)]
    return Vectors(
        x=vectors.x[:count],
        y=vectors.y[:count],
        labels=None if vectors.labels is None else vectors.labels[:count],
        audio=audio if audio is not None and len(audio) else None,
    )
