"""The float model beside the int8 one that was made from it, over a recording."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import listening_model
import numpy as np
import pytest

from tinykit import project as projects
from tinykit.audio import wav
from tinykit.cli import run as cli
from tinykit.pipeline import evaluation, forms
from tinykit.progress import silent
from tinykit.quantize.float_model import FloatModel
from tinykit.quantize.post_training import quantize
from tinykit.train.backend import keras, seed_everything

SPEC = listening_model.SPEC
LABELS = listening_model.LABELS


def _network(softmax: bool = False) -> keras.Model:
    seed_everything(5)
    layers = [
        keras.Input((SPEC.frames, SPEC.width, 1)),
        keras.layers.Conv2D(4, (5, SPEC.width), strides=(2, 1), activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(len(LABELS), activation="softmax" if softmax else None),
    ]
    return keras.Sequential(layers)


@pytest.mark.parametrize("softmax", [False, True])
def test_outputs_are_probabilities(tmp_path: Path, softmax: bool) -> None:
    """A network that ends in logits gets its softmax; one that has it is taken as it is."""
    network = _network(softmax)
    network.save(tmp_path / "m.keras")
    x = np.random.default_rng(0).integers(-128, 128, (3, SPEC.frames, SPEC.width)).astype(np.int8)
    found = FloatModel(tmp_path / "m.keras").probabilities(x, SPEC)
    real = (x.astype(np.float32) - SPEC.zero_point) * SPEC.scale
    expected = network.predict_on_batch(real[..., None])
    if not softmax:
        expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.host
def test_float_is_heard_at_the_times_of_int8(tmp_path: Path) -> None:
    """The same inferences as the int8 model, and close to it; every form has its row."""
    folder = listening_model.project(tmp_path / "listen", stream=True)
    rng = np.random.default_rng(1)
    calibration = rng.integers(-128, 128, (100, SPEC.frames, SPEC.width)).astype(np.int8)
    network = _network()
    data = quantize(network, calibration, SPEC, LABELS)
    (folder / "build" / "model.tflite").write_bytes(data)
    network.save(folder / "build" / "compressed.keras")
    said = {"sha256": hashlib.sha256(data).hexdigest()}
    (folder / "build" / "quantize.json").write_text(json.dumps(said))
    sound, labels = tmp_path / "long.wav", tmp_path / "long.csv"
    wav.write(sound, listening_model.audio(2.0), SPEC.sample_rate_hz)
    labels.write_text("start_s,end_s,label\n0.5,0.8,go\n")
    assert cli.run(["compile", "-C", str(folder)]) == 0
    recording = evaluation.Recording(projects.load(folder), sound, labels, silent)
    floating = forms._float(recording, silent).astype(int)
    heard = recording.twin.listener.warm_up_rows // 2  # hops of two rows
    assert floating.shape == recording.outputs.shape
    differs = np.abs(floating - recording.outputs)[heard:]
    assert differs.mean() < 4 and np.ptp(floating[heard:], axis=0).max() > 20
    names = [row["form"] for row in forms.side_by_side(recording, None, silent)]
    assert names == [forms.FLOAT, forms.WINDOWS, forms.STREAM, forms.DEVICE]
