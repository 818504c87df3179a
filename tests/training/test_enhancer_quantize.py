"""Enhancers as .tflite: folded exactly, a frame at a time, byte for byte the same compiled."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tinykit.audio.enhancer import gains_q15
from tinykit.audio.spec import SPECTRUM_KEY
from tinykit.audio.stft_spec import StftSpec
from tinykit.board import find
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.compiler.reader import read_tflite
from tinykit.config import Model
from tinykit.errors import DataError, ModelError
from tinykit.models import enhancers
from tinykit.quantize import enhancement, floating
from tinykit.quantize.nodes import Lstm
from tinykit.train.backend import keras, seed_everything

SPEC = StftSpec(window_samples=128, hop_samples=64, bands=16)
CORE = find("mps2-an386").processor
FRAMES = 30


def _features(count: int) -> np.ndarray:
    """Bands that rise and fall slowly, as those of speech do."""
    rng = np.random.default_rng(6)
    steps = rng.normal(0, 12, (count, FRAMES, SPEC.bands)).cumsum(axis=1)
    return (steps - 20).clip(-128, 127).astype(np.int8)


@pytest.fixture(scope="module", params=enhancers.names())
def network(request: pytest.FixtureRequest) -> Any:
    """A narrow network, normalized to its input."""
    seed_everything(3)
    model = enhancers.build(Model(architecture=request.param, width=0.25), SPEC)
    for layer in model.layers:
        if hasattr(layer, "momentum"):
            layer.momentum = 0.0
    model(enhancement.to_real(_features(8), SPEC), training=True)
    return model


def _expected(model: Any, features: np.ndarray) -> np.ndarray:
    real = enhancement.to_real(features, SPEC)
    return np.asarray(keras.ops.convert_to_numpy(model(real[None])))[0]


def test_folded_a_frame_at_a_time(network: Any) -> None:
    """In float, the folded operations with their states are the network over the sequence."""
    features = _features(2)
    nodes, states = enhancement.folded(network), {}
    rows = [
        list(floating.run(nodes, frame, states))[-1]
        for frame in enhancement.to_real(features, SPEC).swapaxes(0, 1)
    ]
    for recording in (0, 1):
        found = np.stack([row[recording] for row in rows])
        assert np.abs(found - _expected(network, features[recording])).max() < 1e-4


@pytest.mark.parametrize(("wide", "limit"), [(False, 0.1), (True, 0.02)], ids=["int8", "16x8"])
def test_quantized_and_compiled(network: Any, wide: bool, limit: float) -> None:
    """The golden interpreter is near the float model, and the compiled one is the interpreter."""
    data = enhancement.quantize(network, _features(8), SPEC, wide=wide)
    graph = read_tflite(data)
    (given,), (answer,) = graph.inputs, graph.outputs
    assert graph.tensors[given].shape == graph.tensors[answer].shape == (1, SPEC.bands)
    assert graph.tensors[given].dtype == np.int8
    assert graph.tensors[given].scale == np.float32(SPEC.scale)
    assert graph.tensors[given].zero_point == SPEC.zero_point
    assert msgspec.json.decode(graph.metadata[SPECTRUM_KEY], type=StftSpec) == SPEC
    features = _features(1)[0]
    with Golden(data) as golden:
        answers = enhancement.by_frame(golden)(features)
        assert np.array_equal(enhancement.by_frame(golden)(features), answers)  # from rest
    error = gains_q15(answers) / 32768 - _expected(network, features)
    assert np.sqrt(np.mean(error**2)) < limit
    with_host = HostModel(compile_model(data, CORE))
    try:
        host = np.stack([with_host.run([row[None]])[0][0] for row in features])
    finally:
        with_host.close()
    assert np.array_equal(host, answers)


def test_a_band_that_never_varied_has_no_weights() -> None:
    """An empty band's weights, divided by almost nothing, would be the largest of the int8 ones."""
    seed_everything(3)
    model = enhancers.build(Model(architecture="lstm", width=0.25), SPEC)
    features = _features(8)
    features[..., 0] = -128
    model.get_layer("input_norm").momentum = 0.0
    model(enhancement.to_real(features, SPEC), training=True)
    kernel = np.array(model.get_layer("lstm_1").kernel)
    kernel[0, 0] = np.linspace(-0.5, 0.5, kernel.shape[2])
    model.get_layer("lstm_1").kernel.assign(kernel)
    nodes, states = enhancement.folded(model), {}
    (first, *_) = (node for node in nodes if isinstance(node, Lstm))
    assert np.abs(first.kernel).max() < 1.0
    assert not first.kernel[:, 0].any()
    found = [
        list(floating.run(nodes, frame, states))[-1][0]
        for frame in enhancement.to_real(features[:1], SPEC).swapaxes(0, 1)
    ]
    assert np.abs(np.stack(found) - _expected(model, features[0])).max() < 1e-4


def test_other_bands_are_refused(network: Any) -> None:
    """A model belongs to its spectrum."""
    other = StftSpec(bands=20)
    with pytest.raises(ModelError, match="20 bands"):
        enhancement.quantize(network, np.zeros((1, 5, 20), np.int8), other)


def test_calibration_needs_frames(network: Any) -> None:
    """Ranges come from recordings."""
    with pytest.raises(DataError, match="no frames"):
        enhancement.quantize(network, _features(0), SPEC)
