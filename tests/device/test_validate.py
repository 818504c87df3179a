"""Validation: what counts as exact, what is measured, and what is said when it is not so."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_twin import SHA256, random_inputs

from tinykit.device.client import Client
from tinykit.device.fake import FakeDevice, Fault, FaultyTransport
from tinykit.device.validate import run_tensors, validate
from tinykit.device.vectors import Vectors
from tinykit.errors import DataError, DeviceError, MismatchError

FRAMES, WIDTH, CLASSES, CLIPS = 20, 10, 4, 3


def _model(inputs: list[bytes]) -> list[tuple[int, bytes]]:
    x = np.frombuffer(inputs[0], np.int8)
    hidden = np.maximum(x, 0)
    return [(0, hidden.tobytes()), (1, hidden.reshape(CLASSES, -1).max(axis=1).tobytes())]


def _front_end(samples: bytes) -> bytes:
    """Eight samples to a row of ten values."""
    rows = np.frombuffer(samples[: len(samples) // 16 * 16], "<i2").reshape(-1, 8)
    high = (rows >> 8).astype(np.int8)
    return np.concatenate([high, high[:, :2]], axis=1).tobytes()


def _device(**hello: Any) -> FakeDevice:
    said = {"model_sha256": SHA256, "board": "fake", "frames": FRAMES, "width": WIDTH}
    return FakeDevice(_model, [FRAMES * WIDTH], [CLASSES], _front_end, said | hello)


@pytest.fixture
def vectors() -> Vectors:
    """Twelve vectors, the first three with audio, and labels that the model mostly gets right."""
    rng = np.random.default_rng(0)
    audio = rng.integers(-32768, 32768, (CLIPS, FRAMES * 8)).astype(np.int16)
    rows = [np.frombuffer(_front_end(clip.tobytes()), np.int8) for clip in audio]
    x = np.concatenate([rows, rng.integers(-128, 128, (9, FRAMES * WIDTH))]).astype(np.int8)
    y = np.stack([np.frombuffer(_model([row.tobytes()])[-1][1], np.int8) for row in x])
    labels = y.argmax(axis=1).astype(np.int32)
    labels[:3] = (labels[:3] + 1) % CLASSES
    return Vectors(x.reshape(-1, FRAMES, WIDTH, 1), y, labels, audio)


def test_exact(vectors: Vectors) -> None:
    """Every byte equal: exact, with all inputs counted, costs, and the device's own accuracy."""
    device = _device()
    result = validate(Client(device), vectors, model_sha256=SHA256, board="fake")
    result.require_exact()
    assert (result.exact, result.inputs_tested, result.mismatches) == (True, 15, 0)
    assert result.cost is not None
    assert (result.cost.least, result.cost.median, result.cost.most) == (1000, 1000, 1000)
    assert result.stack_bytes == 64
    assert result.accuracy == 0.75
    assert result.front_end is not None
    assert (result.front_end.clips, result.front_end.mismatches) == (CLIPS, 0)
    assert result.front_end.per_hop == 1000
    assert device.invocations == 15


def test_device_json(vectors: Vectors) -> None:
    """The result becomes the fields of device.json, and is JSON."""
    found = validate(Client(_device(app="lights")), vectors).to_json()
    assert json.loads(json.dumps(found)) == {
        "board": "fake",
        "port": "fake",
        "exact": True,
        "inputs_tested": 15,
        "mismatches": 0,
        "first_mismatch": None,
        "unit": "instructions",
        "instructions": 1000,
        "instructions_min": 1000,
        "instructions_mean": 1000.0,
        "instructions_max": 1000,
        "stack_bytes": 64,
        "model_sha256": SHA256,
        "firmware": {"app": "lights", "build": "0"},
        "accuracy": 0.75,
        "front_end": {
            "clips": 3,
            "mismatches": 0,
            "instructions_per_hop": 1000,
            "stack_bytes": 64,
        },
    }


def test_costs_spread(vectors: Vectors) -> None:
    """Least, median and greatest are those of the single inferences."""
    spent = iter([1, 50, 10, 30, 20, 40])  # the first at `hello`, which looks at the ops
    device = _device()

    def run(inputs: list[bytes]) -> list[tuple[int, bytes]]:
        device.ticks = next(spent)
        return _model(inputs)

    device.run = run
    result = validate(Client(device), Vectors(vectors.x[:5], vectors.y[:5]))
    assert result.cost is not None
    assert (result.cost.least, result.cost.median, result.cost.most) == (10, 30, 50)


def test_wrong_output(vectors: Vectors) -> None:
    """One wrong byte: not exact, counted once, and the first one is named."""
    vectors.y[7, 2] ^= 1
    result = validate(Client(_device()), vectors)
    assert (result.exact, result.mismatches, result.inputs_tested) == (False, 1, 15)
    assert str(result.first_mismatch).startswith("vector 7, output[2]: the device gave ")
    with pytest.raises(MismatchError, match=r"1 of 15 inputs differ; first: vector 7, output\[2\]"):
        result.require_exact()


def test_audio_of_inputs_that_are_no_rows(vectors: Vectors) -> None:
    """The rows of a stream's audio are compared on their own: no inference follows, costs do."""
    assert vectors.audio is not None
    rows = vectors.x[:CLIPS].reshape(CLIPS, FRAMES, WIDTH)
    device = _device()
    given = dataclasses.replace(vectors, x=vectors.x[CLIPS:], y=vectors.y[CLIPS:], features=rows)
    result = validate(Client(device), dataclasses.replace(given, labels=None))
    assert (result.exact, result.inputs_tested, device.invocations) == (True, 12, 9)
    assert result.front_end is not None
    assert (result.front_end.clips, result.front_end.per_hop) == (CLIPS, 1000)
    wrong = dataclasses.replace(given, labels=None, features=rows ^ 1)
    result = validate(Client(_device()), wrong)
    assert (result.mismatches, result.front_end.mismatches) == (CLIPS, CLIPS)  # type: ignore


def test_wrong_features(vectors: Vectors) -> None:
    """A front end that gives one other value is not exact, even if the output is the same."""
    device = _device()

    def wrong(samples: bytes) -> bytes:
        rows = bytearray(_front_end(samples))
        if len(rows) == FRAMES * WIDTH:
            # A negative value more or less: the model's ReLU hides it.
            at = next(i for i, value in enumerate(rows) if 130 < value < 255)
            rows[at] += 1
        return bytes(rows)

    device.front_end = wrong
    result = validate(Client(device), vectors)
    assert (result.exact, result.mismatches) == (False, CLIPS)
    assert result.front_end is not None
    assert result.front_end.mismatches == CLIPS
    assert result.first_mismatch is not None
    assert result.first_mismatch.what == "features"


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"model_sha256": "f" * 64}, f"runs model {SHA256} of app 'fake', expected model ffff"),
        ({"board": "pico"}, "runs board fake .*expected board pico"),
        ({"build": "abc"}, "runs build 0 .*expected build abc"),
    ],
)
def test_wrong_firmware(vectors: Vectors, expected: dict[str, str], message: str) -> None:
    """Other firmware is an error before anything is run, with the hint to flash."""
    device = _device()
    with pytest.raises(DeviceError, match="wrong firmware: the device " + message) as error:
        validate(Client(device), vectors, **expected)
    assert "tinykit flash" in error.value.hint
    assert device.invocations == 0


def test_other_size(vectors: Vectors) -> None:
    """Vectors of another model are refused with both sizes."""
    other = Vectors(vectors.x[:, :-1], vectors.y)
    with pytest.raises(DataError, match=r"190 bytes in, 4 out; the model .* 200 in, 4 out"):
        validate(Client(_device()), other)


def test_several_outputs(vectors: Vectors) -> None:
    """A model with more outputs than the vectors have is refused: part of it would go unproven."""
    device = FakeDevice(_model, [FRAMES * WIDTH], [FRAMES * WIDTH, CLASSES])
    with pytest.raises(DataError, match="200 in, 204 out"):
        validate(Client(device), vectors)


def _exchange(inputs: list[bytes]) -> list[tuple[int, bytes]]:
    """Two inputs of 3 and 5 bytes, given back in the other order."""
    return [(0, inputs[1]), (1, inputs[0])]


@pytest.mark.parametrize("wrong", [None, 6])
def test_several_ends(wrong: int | None) -> None:
    """Rows hold all inputs one after the other, and all outputs: each byte of each is compared."""
    x = np.arange(16, dtype=np.int8).reshape(2, 8)
    y = np.concatenate([x[:, 3:], x[:, :3]], axis=1)
    if wrong is not None:
        y[1, wrong] += 1
    result = validate(Client(FakeDevice(_exchange, [3, 5], [5, 3])), Vectors(x, y))
    assert result.inputs_tested == 2
    assert result.exact == (wrong is None)
    if wrong is not None:
        assert result.first_mismatch is not None
        assert (result.first_mismatch.vector, result.first_mismatch.index) == (1, wrong)


def test_reset_in_the_middle(vectors: Vectors) -> None:
    """A reset while testing says how far it got."""
    device = _device()
    line = FaultyTransport(device, [Fault("reset", "to_device", 2000)], device.restart)
    with pytest.raises(DeviceError, match=r"was reset in the middle.*\(after 8 of 15 inputs\)"):
        validate(Client(line), vectors)


def test_noisy_line_changes_nothing(vectors: Vectors) -> None:
    """Lost and flipped bytes are repaired: the result is the same as on a clean line."""
    faults = [Fault("flip", "to_host", at) for at in range(60, 9000, 511)]
    faults += [Fault("drop", "to_device", at) for at in range(60, 9000, 707)]
    line = FaultyTransport(_device(), faults)
    assert validate(Client(line), vectors).to_json() == (
        validate(Client(_device()), vectors).to_json()
    )


def test_progress_and_interruption(vectors: Vectors) -> None:
    """Progress counts every input; Ctrl-C passes through, and the next run starts cleanly."""
    client, seen = Client(_device()), []

    def stop_at_five(what: str, done: int, total: int, **_: float) -> None:
        seen.append((what, done, total))
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        validate(client, vectors, progress=stop_at_five)
    assert seen == [("features", done, 15) for done in range(6)]
    assert validate(client, vectors).exact


def test_state_starts_anew() -> None:
    """With a stateful model, each vector starts from the initial state."""
    resets = []
    device = _device(state_bytes=4)
    do_reset = device._do_reset
    device._do_reset = lambda: resets.append(do_reset())  # type: ignore[method-assign]
    x = np.zeros((4, FRAMES, WIDTH), np.int8)
    validate(Client(device), Vectors(x, np.zeros((4, CLASSES), np.int8)))
    assert len(resets) == 1 + 4  # hello, and each vector


def test_int16_outputs() -> None:
    """The accuracy of a model with int16 outputs looks at int16, not at bytes."""
    scores = np.array([[1, 0x0100], [0x0100, 0x00FF]], np.int16)

    def run(inputs: list[bytes]) -> list[tuple[int, bytes]]:
        return [(0, scores[inputs[0][0]].tobytes())]

    device = FakeDevice(run, [1], [4])
    x = np.array([[0], [1]], np.int8)
    result = validate(Client(device), Vectors(x, scores, np.array([1, 0], np.int32)))
    assert (result.exact, result.accuracy) == (True, 1.0)


def test_load_vectors(vectors: Vectors, tmp_path: Path) -> None:
    """What was saved is loaded; labels and audio may be absent."""
    path = tmp_path / "vectors.npz"
    np.savez(path, x=vectors.x, y=vectors.y, labels=vectors.labels, audio=vectors.audio)
    loaded = Vectors.load(path)
    assert np.array_equal(loaded.x, vectors.x) and np.array_equal(loaded.audio, vectors.audio)
    np.savez(path, x=vectors.x, y=vectors.y)
    assert Vectors.load(path).labels is None


@pytest.mark.parametrize("harm", ["missing", "garbage", "cut", "no y", "lengths", "empty"])
def test_bad_vectors(harm: str, vectors: Vectors, tmp_path: Path) -> None:
    """A missing, corrupt or inconsistent file is a DataError that says what to run."""
    path = tmp_path / "vectors.npz"
    x, y = vectors.x, vectors.y
    arrays = {"no y": {"x": x}, "lengths": {"x": x, "y": y[1:]}, "empty": {"x": x[:0], "y": y[:0]}}
    if harm != "missing":
        np.savez(path, **arrays.get(harm, {"x": x, "y": y}))
    if harm == "garbage":
        path.write_bytes(b"not a zip file")
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError) as error:
        Vectors.load(path)
    assert "tinykit quantize" in error.value.hint


def test_run_tensors() -> None:
    """The user's own tensors: each output comes back, row by row."""
    x = np.random.default_rng(1).integers(-128, 128, (5, FRAMES, WIDTH), np.int8)
    (y,) = run_tensors(Client(_device()), [x])
    assert y.dtype == np.int8
    assert [row.tobytes() for row in y] == [_model([row.tobytes()])[-1][1] for row in x]


def test_run_tensors_with_several_inputs() -> None:
    """One array for each input, one for each output."""
    from device_twin import fake_device, model

    rows = [random_inputs(seed) for seed in range(3)]
    first, second = run_tensors(
        Client(fake_device()), [np.stack(column) for column in zip(*rows, strict=True)]
    )
    for row, a, b in zip(rows, first, second, strict=True):
        expected = model([array.tobytes() for array in row])[-2:]
        assert [a.tobytes(), b.tobytes()] == [data for _, data in expected]


@pytest.mark.parametrize(
    "inputs",
    [
        [np.zeros((3, 199), np.int8)],
        [np.zeros((3, 200), np.float32)],
        [np.zeros((0, 200), np.int8)],
        [np.int8(3)],
        [],
        [np.zeros((3, 200), np.int8)] * 2,
    ],
    ids=["size", "dtype", "no rows", "scalar", "nothing", "too many"],
)
def test_run_tensors_that_do_not_fit(inputs: list) -> None:
    """Arrays that are not the model's inputs are refused with shape, type and what it takes."""
    with pytest.raises(DataError, match=r"takes \(200,\) bytes"):
        run_tensors(Client(_device()), inputs)
