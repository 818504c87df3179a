"""Skipping of updates: what is learned is what the device does, and a price makes it skip."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tinykit.audio.enhancer import Skipping as Device
from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite
from tinykit.compress.skip_updates import START, Skipping, Updates, as_heard, gated, teach
from tinykit.config import Enhance, Model
from tinykit.models import enhancers
from tinykit.quantize import enhancement
from tinykit.train.backend import keras, seed_everything
from tinykit.train.enhancement_loss import EnhancementLoss

layers, ops = keras.layers, keras.ops
BANDS, UNITS, FRAMES = 5, 6, 40
SCALE = 0.09375


def frame_model(increment: float, sensitivity: float = -9.0) -> keras.Model:
    """One frame and a state in, gains, gate and the state out: a leaky mean and a mask.

    `increment` and `sensitivity` are logits.
    """
    seed_everything(4)
    row = keras.Input((1, BANDS))
    state = keras.Input((UNITS,), name="state")
    new = layers.Dense(UNITS, name="drive")(row[:, 0])
    after = layers.Add()([layers.Rescaling(0.7)(state), layers.Rescaling(0.3)(new)])
    bias = keras.initializers.Constant([0.0] * BANDS + [increment, sensitivity])
    out = layers.Dense(BANDS + 2, "sigmoid", bias_initializer=bias, name="out")(after)
    return keras.Model([row, state], [layers.Reshape((1, BANDS + 2))(out), after])


def clips(count: int = 4) -> np.ndarray:
    """Return slow noise, as the device gives it: multiples of `SCALE`."""
    steps = np.random.default_rng(0).normal(size=(count, FRAMES, BANDS))
    return (np.round(np.cumsum(steps, axis=1) / 4 / SCALE) * SCALE).astype(np.float32)


def test_a_gate_is_two_more_outputs_and_changes_no_gain() -> None:
    """The gated enhancer has the gains it had; the gate begins as the same threshold in any hop."""
    source = keras.Input((FRAMES, BANDS))
    x = layers.Reshape((-1, 1, BANDS))(source)
    x = layers.Dense(BANDS, name="mask")(layers.Dense(8, name="hidden")(x))
    model = keras.Model(source, layers.Reshape((-1, BANDS))(layers.Activation("sigmoid")(x)))
    both = gated(model, "mask")
    given = np.asarray(both(clips()))
    np.testing.assert_allclose(given[..., :BANDS], model(clips()), atol=1e-6)
    assert given.shape == (4, FRAMES, BANDS + 2)
    np.testing.assert_allclose(
        given[..., BANDS:], given[:1, :1, BANDS:].repeat(4, 0).repeat(FRAMES, 1)
    )


def test_a_gated_enhancer_is_exported_with_its_gate() -> None:
    """One output for gains and gate, quantized as the device expects gains."""
    seed_everything(2)
    spec = StftSpec(window_samples=128, hop_samples=64, bands=16)
    network = enhancers.build(Model(architecture="lstm", width=0.25), spec)
    steps = np.random.default_rng(6).normal(0, 12, (2, 12, spec.bands)).cumsum(axis=1)
    features = steps.clip(-128, 127).astype(np.int8)
    data = enhancement.quantize(gated(network, "mask"), features, spec)
    graph = read_tflite(data)
    output = graph.tensors[graph.outputs[0]]
    assert (output.size, output.scale, output.zero_point) == (spec.bands + 2, 1 / 256, -128)
    plain = enhancement.quantize(network, features, spec)
    with Golden(data) as both, Golden(plain) as gains:
        given = enhancement.by_frame(both)(features[0])
        expected = enhancement.by_frame(gains)(features[0])
    np.testing.assert_array_equal(given[:, : spec.bands], expected)
    wanted = 256 / (1 + np.exp(-np.array(START))) - 128
    np.testing.assert_allclose(given[:, spec.bands :], np.tile(wanted, (12, 1)), atol=2)


@pytest.mark.parametrize(
    "gate", [(5.0, -9.0), (-0.3, -9.0), (-2.0, -9.0), (-9.0, 0.0), (-9.0, 2.0), (-3.0, -0.5)]
)
def test_training_skips_the_hops_that_the_device_skips(gate: tuple[float, float]) -> None:
    """Gains and choices over a sequence are those of the device's twin, hop for hop."""
    frame = frame_model(*gate)
    x = clips(1)
    gains, updates = Skipping(frame, 0.0, SCALE).run(x)
    state, asked = ops.zeros((1, UNITS)), []

    def asks(features: np.ndarray) -> np.ndarray:
        nonlocal state
        asked.append(len(asked))
        row = features[None].astype(np.float32) * SCALE
        answer, state = frame([ops.convert_to_tensor(row), state])
        return np.minimum(np.round(np.asarray(answer)[0] * 32768), 32767).astype(np.int16)

    device = Device(asks)
    expected = device(np.round(x[0] / SCALE).astype(np.int8))
    assert device.updates == int(np.asarray(updates).sum())
    assert (device.updates < FRAMES) == (gate[0] < 0)
    np.testing.assert_allclose(np.asarray(gains)[0], expected / 32768, atol=1e-4)


def test_a_price_makes_an_enhancer_skip() -> None:
    """Trained to follow slow targets, it skips more the dearer an update is."""
    x = clips()
    wanted = 1 / (1 + np.exp(-x))
    found = {}
    for price in (0.0, 0.3):
        model = Skipping(frame_model(-1.0, 2.0), price, SCALE)
        model.compile(keras.optimizers.Adam(0.03), "mse", jit_compile=False)
        for _ in range(25):
            model.train_on_batch(x, wanted)
        found[price] = Updates(model).share(x)
    assert found[0.3] < 0.7
    assert found[0.3] < found[0.0]


class Followed:
    """A task: to follow slow targets."""

    def fit(self, model: keras.Model, epochs: int, learning_rate: float, *_: object) -> None:
        *_, enough = _
        model.compile(keras.optimizers.Adam(learning_rate), "mse", jit_compile=False)
        for _ in range(epochs):
            enough()
            model.train_on_batch(clips(), self._wanted(clips()))

    def validate(self, model: keras.Model) -> dict[str, float]:
        error = np.asarray(model(clips())) - self._wanted(clips())
        return {"error": float((error**2).mean())}

    @staticmethod
    def _wanted(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))


def test_an_enhancer_learns_to_skip_the_share_that_is_asked_for() -> None:
    """No less than that; the model that it began as stays, and what is heard is what was judged."""
    share = 0.2  # less than it begins with
    seed_everything(5)
    spec = StftSpec(bands=BANDS, window_samples=64, hop_samples=32)
    network = enhancers.build(Model(architecture="gru", width=0.25), spec)
    network.compile("adam", EnhancementLoss(spec, Enhance()))  # as fine-tuning leaves it
    before = [np.array(value) for value in network.get_weights()]
    both, report = teach(network, Followed(), clips(), share, SCALE, 4, 0.01)
    assert all(np.array_equal(*pair) for pair in zip(before, network.get_weights(), strict=True))
    assert 1 - share - 0.15 < report["updates"] <= 1 - share
    heard = as_heard(both, SCALE)
    assert Updates(heard).share(clips()) == pytest.approx(report["updates"])
    assert Followed().validate(heard) == pytest.approx(report["after"])
    assert as_heard(network, SCALE) is network
