"""Skipping of updates: what is learned is what the device does, and a price makes it skip."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tinykit.audio.enhancer import Skipping as Device
from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite
from tinykit.compress.skip_updates import Skipping, gated
from tinykit.config import Model
from tinykit.models import enhancers
from tinykit.quantize import enhancement
from tinykit.train.backend import keras, seed_everything

layers, ops = keras.layers, keras.ops
BANDS, UNITS, FRAMES = 5, 6, 40


def frame_model(increment_bias: float = 2.0) -> keras.Model:
    """One frame and a state in, gains, increment and the state out: a leaky mean and a mask."""
    seed_everything(4)
    row = keras.Input((1, BANDS))
    state = keras.Input((UNITS,), name="state")
    new = layers.Dense(UNITS, name="drive")(row[:, 0])
    after = layers.Add()([layers.Rescaling(0.7)(state), layers.Rescaling(0.3)(new)])
    bias = keras.initializers.Constant([0.0] * BANDS + [increment_bias])
    out = layers.Dense(BANDS + 1, "sigmoid", bias_initializer=bias, name="out")(after)
    return keras.Model([row, state], [layers.Reshape((1, BANDS + 1))(out), after])


def clips(count: int = 4) -> np.ndarray:
    """Return slow noise."""
    steps = np.random.default_rng(0).normal(size=(count, FRAMES, BANDS))
    return (np.cumsum(steps, axis=1) / 4).astype(np.float32)


def test_a_gate_is_one_more_output_and_changes_no_gain() -> None:
    """The gated enhancer has the gains it had, and an increment that asks for every hop."""
    source = keras.Input((FRAMES, BANDS))
    x = layers.Reshape((-1, 1, BANDS))(source)
    x = layers.Dense(BANDS, name="mask")(layers.Dense(8, name="hidden")(x))
    model = keras.Model(source, layers.Reshape((-1, BANDS))(layers.Activation("sigmoid")(x)))
    both = gated(model, "mask")
    given = np.asarray(both(clips()))
    np.testing.assert_allclose(given[..., :BANDS], model(clips()), atol=1e-6)
    assert given.shape == (4, FRAMES, BANDS + 1)
    assert (given[..., BANDS] > 0.5).mean() > 0.5


def test_a_gated_enhancer_is_exported_with_its_increment() -> None:
    """One output for gains and increment, quantized as the device expects gains."""
    seed_everything(2)
    spec = StftSpec(window_samples=128, hop_samples=64, bands=16)
    network = enhancers.build(Model(architecture="lstm", width=0.25), spec)
    steps = np.random.default_rng(6).normal(0, 12, (2, 12, spec.bands)).cumsum(axis=1)
    features = steps.clip(-128, 127).astype(np.int8)
    data = enhancement.quantize(gated(network, "mask"), features, spec)
    graph = read_tflite(data)
    output = graph.tensors[graph.outputs[0]]
    assert (output.size, output.scale, output.zero_point) == (spec.bands + 1, 1 / 256, -128)
    plain = enhancement.quantize(network, features, spec)
    with Golden(data) as both, Golden(plain) as gains:
        given = enhancement.by_frame(both)(features[0])
        expected = enhancement.by_frame(gains)(features[0])
    np.testing.assert_array_equal(given[:, : spec.bands], expected)
    assert (given[:, spec.bands] > 0).all()  # more than 1/2: every hop is asked for


@pytest.mark.parametrize("bias", [5.0, -0.3, -2.0, -9.0])
def test_training_skips_the_hops_that_the_device_skips(bias: float) -> None:
    """Gains and choices over a sequence are those of the device's twin, hop for hop."""
    frame = frame_model(bias)
    x = clips(1)
    gains, updates = Skipping(frame, 0.0).run(x)
    state, asked = ops.zeros((1, UNITS)), []

    def asks(features: np.ndarray) -> np.ndarray:
        nonlocal state
        asked.append(len(asked))
        answer, state = frame([ops.convert_to_tensor(features[None]), state])
        return np.minimum(np.round(np.asarray(answer)[0] * 32768), 32767).astype(np.int16)

    device = Device(asks)
    expected = device(x[0])
    assert device.updates == int(np.asarray(updates).sum())
    assert (device.updates < FRAMES) == (bias < 0)
    np.testing.assert_allclose(np.asarray(gains)[0], expected / 32768, atol=1e-4)


def test_a_price_makes_an_enhancer_skip() -> None:
    """Trained to follow slow targets, it skips more the dearer an update is."""
    x = clips()
    wanted = 1 / (1 + np.exp(-x))
    found = {}
    for price in (0.0, 0.3):
        model = Skipping(frame_model(0.3), price)
        model.compile(keras.optimizers.Adam(0.03), "mse", jit_compile=False)
        for _ in range(25):
            model.train_on_batch(x, wanted)
        found[price] = model.share_of_updates([x])
    assert found[0.3] < 0.7
    assert found[0.3] < found[0.0]
