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
from tinykit.errors import ModelError
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
        When the golden interpreter refuses the model, or it has several inputs.
    DataError
        When `vectors.npz` is corrupt.
    """
    data = project.path(files.TFLITE).read_bytes()
    path = project.path(files.VECTORS)
    found = Vectors.load(path) if path.exists() else None
    graph = read_tflite(data)
    if len(graph.inputs) != 1:
        raise ModelError(
            f"the model has {len(graph.inputs)} inputs; test vectors have one",
            "run tensors of your own: tinykit test --inputs x.npy --outputs y.npy",
        )
    tensor = graph.tensors[graph.inputs[0]]
    with Golden(data) as golden:
        if found is None or found.x.shape[1:] != tensor.shape[1:] or found.x.dtype != tensor.dtype:
            return _random(golden, graph), "random inputs"
        outputs = _outputs(golden, graph, found.x[:_CHECKED]).reshape(-1, *found.y.shape[1:])
        if outputs.dtype == found.y.dtype and np.array_equal(outputs, found.y[:_CHECKED]):
            return found, "test clips"
        made = dataclasses.replace(found, y=_outputs(golden, graph, found.x))
        return made, "test clips, outputs made anew"


def _random(golden: Golden, graph: Graph) -> Vectors:
    """Return vectors from seeded inputs: all at the least, all at the greatest, then noise."""
    tensor = graph.tensors[graph.inputs[0]]
    limits = np.iinfo(tensor.dtype)
    draw = np.random.default_rng(_SEED)
    shape = (RANDOM_INPUTS, *tensor.shape[1:])
    x = draw.integers(limits.min, limits.max, shape, dtype=tensor.dtype, endpoint=True)
    x[0], x[1] = limits.min, limits.max
    return Vectors(x=x, y=_outputs(golden, graph, x))


def _outputs(golden: Golden, graph: Graph, x: NDArray[Any]) -> NDArray[Any]:
    """Return the outputs (N, values), each inference from the initial state as on the device."""
    rows = x.reshape(-1, *graph.tensors[graph.inputs[0]].shape)
    if not any(tensor.state for tensor in graph.tensors.values()):
        return golden.run_many([rows])[0].reshape(len(rows), -1)
    outputs = []
    for row in rows:
        golden.reset()
        outputs.append(golden.run([row])[0].reshape(-1))
    return np.stack(outputs)


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
