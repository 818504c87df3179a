"""Quantization-aware training: what is trained is what is exported, and it helps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite
from tinykit.config import Model
from tinykit.models import enhancers
from tinykit.quantize import enhancement, export
from tinykit.quantize.fake import INT8, quantized, slowed
from tinykit.quantize.fold import fold, image
from tinykit.quantize.ranges import Range, calibrate, calibrate_stream
from tinykit.quantize.scheme import Quantization
from tinykit.quantize.training import FakeQuantized
from tinykit.train.backend import keras, seed_everything

layers = keras.layers
FRAMES, BANDS = 6, 10
GIVEN = Quantization(np.float32(0.04), -7)


def recurrent() -> keras.Model:
    """An enhancer in small: a normalized dense layer, an LSTM, gains."""
    return keras.Sequential(
        [
            keras.Input((FRAMES, BANDS)),
            layers.Dense(12, name="enter"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.LSTM(8, return_sequences=True, name="lstm"),
            layers.Dense(BANDS, name="mask"),
        ]
    )


def convolutional() -> keras.Model:
    """Convolutions of both kinds, a branch, a dense layer."""
    source = keras.Input((FRAMES, BANDS, 1))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(source)
    y = layers.DepthwiseConv2D(3, padding="same", name="deep")(x)
    x = layers.Add(name="sum")([x, y])
    x = layers.Conv2D(6, 2, strides=2, name="fewer")(x)
    x = layers.Flatten(name="flat")(x)
    return keras.Model(source, layers.Dense(5, name="out")(x))


def features(count: int, seed: int = 0) -> np.ndarray:
    """Return inputs on the grid of the model's input."""
    steps = np.random.default_rng(seed).integers(-128, 128, (count, FRAMES, BANDS))
    return ((steps - GIVEN.zero_point) * GIVEN.scale).astype(np.float32)


def prepared(build: Any) -> tuple[FakeQuantized, np.ndarray]:
    """Return a network with calibrated ranges, and the inputs it was calibrated with."""
    seed_everything(1)
    model = build()
    shape = image(model.inputs[0].shape, model.layers[0])
    x = features(16).reshape(16, *shape)
    nodes = fold(model)
    return FakeQuantized(nodes, calibrate(nodes, x), GIVEN), x


def exported(nodes: Any, ranges: Any, shape: tuple[int, ...]) -> bytes:
    """Return the .tflite."""
    return export.write(nodes, ranges, shape, float(GIVEN.scale), GIVEN.zero_point, {})


def golden(data: bytes, x: np.ndarray) -> np.ndarray:
    """Return the real outputs of the integer model for real inputs, each from its start."""
    steps = np.round(x / GIVEN.scale + GIVEN.zero_point).astype(np.int8)
    output = read_tflite(data)
    found = output.tensors[output.outputs[0]].quantization
    answers = []
    with Golden(data) as interpreter:
        for one in steps:
            interpreter.reset()
            (answer,) = interpreter.run([one[None]])
            answers.append((answer[0].astype(np.float32) - found.zero_point[0]) * found.scale[0])
    return np.stack(answers)


def test_the_gradients_are_those_of_lsq_plus() -> None:
    """Inside the range a scale's is round(v) - v, beyond it the bound; a zero point's -s beyond."""
    import tensorflow as tf  # only to differentiate: the code itself is of any back end

    values = np.array([-20.0, -0.3, 0.26, 1.4, 30.0], np.float32)
    x, scales, zeros = (tf.constant(v, tf.float32, shape=5) for v in (values, 0.1, -20.0))
    with tf.GradientTape() as tape:
        tape.watch([x, scales, zeros])
        y = quantized(x, scales, zeros, INT8)
    by_x, by_scale, by_zero = tape.gradient(y, [x, scales, zeros])
    inside = [np.round(v / 0.1) - v / 0.1 for v in values[1:4]]
    np.testing.assert_allclose(by_scale, [-128 + 20, *inside, 127 + 20], atol=1e-4)
    np.testing.assert_allclose(by_zero, [-0.1, 0, 0, 0, -0.1], atol=1e-6)
    np.testing.assert_allclose(by_x, [0, 1, 1, 1, 0], atol=1e-6)


def test_the_gradient_of_a_scale_is_divided_as_in_lsq() -> None:
    """The value is unchanged, the gradient is divided by sqrt(count * high)."""
    import tensorflow as tf

    scale = tf.Variable(0.3)
    with tf.GradientTape() as tape:
        y = slowed(scale, 100, 127)
    assert float(y) == pytest.approx(0.3)
    assert float(tape.gradient(y, scale)) == pytest.approx((100 * 127) ** -0.5)


@pytest.mark.parametrize("build", [recurrent, convolutional])
def test_training_computes_what_the_exported_model_computes(build) -> None:
    """The fake-quantized outputs are the golden interpreter's, to a step here and there."""
    model, x = prepared(build)
    shape = tuple(x.shape[1:])
    step = float(model.start[-1].scale)
    given = np.asarray(model(x)).reshape(len(x), -1)
    answers = golden(exported(model.nodes, model.ranges, shape), x).reshape(len(x), -1)
    steps = np.abs(given - answers) / step
    assert steps.max() < 2.5  # an inner value may be rounded the other way
    assert (steps < 0.5).mean() > 0.8, steps


@pytest.mark.parametrize(("name", "wide"), [("lstm", False), ("gru", True), ("crn", False)])
def test_a_streamed_network_trains_as_it_is_exported(name: str, wide: bool) -> None:
    """Frame by frame, with states that are kept: the golden interpreter's gains, or nearly."""
    seed_everything(2)
    spec = StftSpec(window_samples=128, hop_samples=64, bands=16)
    network = enhancers.build(Model(architecture=name, width=0.25), spec)
    steps = np.random.default_rng(6).normal(0, 12, (4, 12, spec.bands)).cumsum(axis=1)
    recordings = steps.clip(-128, 127).astype(np.int8)
    x = enhancement.to_real(recordings, spec)
    nodes = enhancement.folded(network)
    ranges = calibrate_stream(nodes, x)
    given = Quantization(np.float32(spec.scale), spec.zero_point)
    trained = FakeQuantized(nodes, ranges, given, wide=wide, frames=True)
    names = [variable.path for variable in trained.variables]
    assert len(names) == len(set(names))  # one grid for all values that share one
    gains = np.asarray(trained(x))
    assert gains.shape == x.shape
    data = enhancement.quantize(network, recordings, spec, wide=wide)
    unit = 2.0**-15 if wide else 2.0**-8
    with Golden(data) as interpreter:
        for found, recording in zip(gains, recordings, strict=True):
            answers = enhancement.by_frame(interpreter)(recording).astype(np.float32)
            expected = (answers + (0 if wide else 128)) * unit
            assert np.abs(found - expected).max() < (0.004 if wide else 0.05)
            assert np.abs(found - expected).mean() < (0.0005 if wide else 0.006)
    written = export.write(
        *trained.learned(), (spec.bands,), spec.scale, spec.zero_point, {}, wide=wide
    )
    assert _weights(written) == _weights(data)  # nothing was learned yet: the same constants


def _weights(data: bytes) -> list[bytes]:
    """The constants of a file that are int8 matrices, sorted."""
    tensors = read_tflite(data).tensors.values()
    found = [t.data for t in tensors if t.data is not None and t.data.dtype == np.int8]
    return sorted(array.tobytes() for array in found)


def test_what_was_learned_is_what_is_exported() -> None:
    """Changed scales, zero points and weights all reach the file, and it computes with them."""
    model, x = prepared(recurrent)
    model(x)
    random = np.random.default_rng(3)
    for variable in model.trainable_variables:
        value = np.asarray(variable)
        if "scale" in variable.name:
            value = value + np.log(random.uniform(0.6, 0.9, value.shape))
        elif "zero_point" in variable.name:
            value = value + 3.3
        else:
            value = value * random.uniform(0.8, 1.2, value.shape)
        variable.assign(value)
    nodes, ranges = model.learned()
    data = exported(nodes, ranges, (FRAMES, 1, BANDS))
    graph = read_tflite(data)
    written = {tensor.name: tensor.quantization for tensor in graph.tensors.values()}
    grid = model._grids[model.ranges[-1].group]
    np.testing.assert_allclose(written["mask"].scale, np.exp(np.asarray(grid.scale)), rtol=1e-5)
    assert written["mask"].zero_point[0] == round(float(np.asarray(grid.zero_point)))
    (scales,) = nodes[-1].scales
    np.testing.assert_allclose(written["mask/filter"].scale, scales, rtol=1e-6)
    steps = np.abs(np.asarray(model(x)) - golden(data, x).reshape(model(x).shape))
    assert (steps / float(written["mask"].scale[0])).max() < 2.5


def test_training_recovers_what_quantization_lost() -> None:
    """Of ranges eight times too wide, training the scales alone wins most back."""
    model, x = prepared(convolutional)
    wide = [Range(8 * r.low, 8 * r.high, r.group) if r.group >= 0 else r for r in model.ranges]
    coarse = FakeQuantized(model.nodes, wide, GIVEN)
    for variable in coarse.variables:
        variable.trainable = "scale" in variable.name
    wanted = np.asarray(keras.ops.convert_to_numpy(model(x)))
    coarse.compile(keras.optimizers.Adam(0.05), "mse", jit_compile=False)
    before = coarse.test_on_batch(x, wanted)
    for _ in range(25):
        coarse.train_on_batch(x, wanted)
    coarse.reset_metrics()
    assert coarse.test_on_batch(x, wanted) < 0.3 * before
