"""Golden vectors for whatever model the project has."""

from __future__ import annotations

from pathlib import Path

import networks
import numpy as np
import pytest
import small_model

from tinykit import project, scaffold
from tinykit.compiler.golden import Golden
from tinykit.compiler.ir import Graph, Tensor
from tinykit.device.vectors import Vectors
from tinykit.errors import ModelError
from tinykit.pipeline import files, vectors
from tinykit.project import Project


@pytest.fixture
def lights(tmp_path: Path) -> Project:
    """A project with a small model in place of a trained one."""
    found = project.load(scaffold.create(tmp_path / "lights", "keyword-spotting", "mps2-an386"))
    found.build.mkdir()
    found.path(files.TFLITE).write_bytes(small_model.build())
    return found


def draw(rows: int, width: int = small_model.INPUTS) -> np.ndarray:
    """Return random int8 inputs (rows, width)."""
    return np.random.default_rng(1).integers(-128, 128, (rows, width)).astype(np.int8)


def outputs(data: bytes, x: np.ndarray) -> np.ndarray:
    """Return the golden outputs (rows, classes)."""
    with Golden(data) as golden:
        return golden.run_many([x[:, None]])[0][:, 0]


def save(lights: Project, x: np.ndarray, y: np.ndarray) -> None:
    """Write `vectors.npz` with labels."""
    np.savez(lights.path(files.VECTORS), x=x, y=y, labels=y.argmax(axis=1).astype(np.int32))


def test_vectors_of_the_model_are_used(lights: Project) -> None:
    """Those of the quantize stage, with their labels."""
    x = draw(6)
    save(lights, x, outputs(small_model.build(), x))
    found, origin = vectors.for_model(lights)
    assert origin == "test clips"
    assert np.array_equal(found.x, x)
    assert found.labels is not None


def test_vectors_of_another_model_get_new_outputs(lights: Project) -> None:
    """The user's own model on our test clips: inputs and labels stay, outputs are its own."""
    x = draw(6)
    other = outputs(small_model.build(seed=1), x)
    mine = outputs(small_model.build(), x)
    assert not np.array_equal(other, mine)
    save(lights, x, other)
    found, origin = vectors.for_model(lights)
    assert origin == "test clips, outputs made anew"
    assert np.array_equal(found.y, mine)
    assert np.array_equal(found.labels, other.argmax(axis=1))


@pytest.mark.parametrize("stored", [None, (6, 7)])
def test_without_inputs_that_fit_they_are_random(
    lights: Project, stored: tuple[int, int] | None
) -> None:
    """No vectors, or of another shape: seeded random inputs over the whole int8 range."""
    if stored:
        save(lights, draw(*stored), np.zeros((stored[0], 4), np.int8))
    found, origin = vectors.for_model(lights)
    again, _ = vectors.for_model(lights)
    assert (origin, len(found.x)) == ("random inputs", vectors.RANDOM_INPUTS)
    assert (found.x.min(), found.x.max()) == (-128, 127)
    assert np.array_equal(found.x, again.x)
    assert np.array_equal(found.y, outputs(small_model.build(), found.x))


def test_a_model_that_the_interpreter_refuses(lights: Project) -> None:
    """A file that is no model is an error, not a crash."""
    lights.path(files.TFLITE).write_bytes(b"TFL3")
    with pytest.raises(ModelError):
        vectors.for_model(lights)


class Counter:
    """A golden interpreter whose output is how often it ran since the last reset."""

    ran = 0

    def reset(self) -> None:
        self.ran = 0

    def run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        self.ran += 1
        return [np.full((1, 2), self.ran, np.int8)]


def test_a_model_with_state_starts_each_inference_anew() -> None:
    """The device resets before each vector; so does the interpreter."""
    tensors = {0: Tensor("x", (1, 3), np.dtype(np.int8))}
    tensors[1] = Tensor("h", (1, 3), np.dtype(np.int8), state=True)
    graph = Graph(tensors, [], [0], [0])
    made = vectors.outputs(Counter(), graph, np.zeros((4, 3), np.int8))  # type: ignore[arg-type]
    assert made.tolist() == [[1, 1]] * 4


def test_a_model_with_several_ends(lights: Project) -> None:
    """A row has the bytes of all inputs; the golden outputs are those of the model for them."""
    data = networks.two_ends()
    lights.path(files.TFLITE).write_bytes(data)
    found, origin = vectors.for_model(lights)
    assert (origin, found.x.shape, found.y.shape) == ("random inputs", (20, 20), (20, 20))
    a, b = (half.reshape(-1, 2, 5) for half in np.split(found.x, 2, axis=1))
    with Golden(data) as golden:
        expected = golden.run_many([a, b])
    assert (found.y == np.concatenate([y.reshape(20, -1) for y in expected], axis=1)).all()


def test_some_of_the_vectors() -> None:
    """The first so many, no more clips than vectors; 0 means all."""
    x = draw(6)
    every = Vectors(x=x, y=x, labels=np.arange(6, dtype=np.int32), audio=np.zeros((5, 9), np.int16))
    part = vectors.some(every, 3, 4)
    assert (len(part.x), len(part.y), len(part.labels), len(part.audio)) == (3, 3, 3, 3)
    assert len(vectors.some(every, 0, 2).x) == 6
    assert vectors.some(every, 3, 0).audio is None


def test_accuracy_of_the_golden_outputs() -> None:
    """The share of outputs whose greatest value is the label's; unknown without labels."""
    y = np.array([[1, 9], [9, 1], [1, 9], [9, 1]], np.int8)
    labels = np.array([1, 0, 0, 0], np.int32)
    assert vectors.accuracy(Vectors(x=y, y=y, labels=labels)) == 0.75
    assert vectors.accuracy(Vectors(x=y, y=y)) is None
