"""Post-training quantization: the fold is exact, the int8 model is the converter's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tests.training.conftest import LABELS, SPEC
from tinykit.audio.spec import LABELS_KEY, METADATA_KEY, FeatureSpec
from tinykit.compiler.reader import read_tflite
from tinykit.errors import DataError, ModelError
from tinykit.quantize import floating, golden
from tinykit.quantize.fold import fold
from tinykit.quantize.post_training import quantize
from tinykit.train.backend import keras
from tinykit.train.metrics import predict

layers = keras.layers
SHAPE = (SPEC.frames, SPEC.width, 1)


def shuffled(model: keras.Model) -> keras.Model:
    """Give a model weights of every kind: no bias, average or scale is neutral."""
    random = np.random.default_rng(3)
    for layer in model.layers:
        new = [random.normal(0, 0.4, weight.shape) for weight in layer.get_weights()]
        if isinstance(layer, layers.BatchNormalization):
            new[-1] = np.abs(new[-1]) + 0.5  # a variance
        layer.set_weights(new)
    return model


def plain() -> keras.Model:
    """Biases, 'valid' windows, ReLU6, maximum pooling, two dense layers, softmax inside."""
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(6, (3, 2), strides=(2, 1), name="first"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(6.0, name="relu6"),
            layers.MaxPooling2D((2, 2), padding="same", name="pool"),
            layers.SpatialDropout2D(0.3, name="drop"),
            layers.Flatten(name="flat"),
            layers.Dense(9, activation="relu", name="hidden"),
            layers.Dense(len(LABELS), activation="softmax", name="classes"),
        ]
    )


def functional() -> keras.Model:
    """A functional model: depth multiplier, unscaled normalization, global pooling."""
    x = source = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(x)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, name="deep")(x)
    x = layers.BatchNormalization(scale=False, center=False, name="norm")(x)
    x = layers.Activation("relu", name="relu")(x)
    x = layers.AveragePooling2D(2, strides=1, padding="same", name="pool")(x)
    x = layers.GlobalAveragePooling2D(name="global")(x)
    x = layers.Dropout(0.5, name="drop")(x)
    x = layers.Dense(len(LABELS), name="logits")(x)
    return keras.Model(source, layers.Softmax(name="softmax")(x))


@pytest.mark.parametrize("build", [plain, functional])
def test_folded_operations_compute_what_keras_computes(build, features):
    """Normalization folded, activations fused: float results equal Keras's to rounding."""
    model = shuffled(build())
    x = features.real("testing")
    *_, folded = floating.run(fold(model), x)
    np.testing.assert_allclose(folded, model.predict_on_batch(x), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("build", [plain, functional])
def test_int8_of_other_networks_follows_the_float_model(build, features):
    """Every supported layer survives export: int8 probabilities stay close to the float ones."""
    model = shuffled(build())
    data = quantize(model, features.x["training"], SPEC, LABELS)
    answers = (golden.outputs(data, features.x["testing"]).astype(float) + 128) / 256
    expected = model.predict_on_batch(features.real("testing"))
    assert np.abs(answers - expected).mean() < 0.02


def test_int8_agrees_with_float(trained, features):
    """The int8 model chooses the float model's class on nearly every unseen clip."""
    data = quantize(trained, features.x["training"], SPEC, LABELS)
    answers = golden.outputs(data, features.x["testing"])
    floats = predict(trained, features, "testing")
    assert (answers.argmax(axis=1) == floats.argmax(axis=1)).mean() > 0.95
    assert golden.evaluate_int8(answers, features, "testing").accuracy > 0.8


def test_int8_equals_tensorflows_converter(trained, features, tmp_path):
    """Our own export answers like the converter's on every clip, to one step of the output."""
    calibration = features.x["training"].copy()
    calibration[0, 0, :2] = [-128, 127]  # the converter calibrates the input too
    real = (calibration.astype(np.float32) - SPEC.zero_point) * np.float32(SPEC.scale)
    np.save(tmp_path / "calibration.npy", real[..., None])
    model = keras.Sequential([keras.Input(SHAPE), *trained.layers, layers.Softmax()])
    model.save(tmp_path / "model.keras")
    script = Path(__file__).with_name("converter.py")
    files = [tmp_path / name for name in ("model.keras", "calibration.npy", "theirs.tflite")]
    done = subprocess.run([sys.executable, script, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    theirs = files[2].read_bytes()
    ours = quantize(trained, calibration, SPEC, LABELS)
    for op_theirs, op_ours in zip(read_tflite(theirs).ops, read_tflite(ours).ops, strict=True):
        assert op_theirs.kind == op_ours.kind
    answers = [golden.outputs(data, features.x["testing"]).astype(int) for data in (theirs, ours)]
    assert np.abs(answers[0] - answers[1]).max() <= 1


def test_features_enter_as_they_are(trained, features):
    """Input and output quantization are the front end's and softmax's, not calibrated."""
    graph = read_tflite(quantize(trained, features.x["training"][:8], SPEC, LABELS))
    source, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    assert (source.shape, source.scale, source.zero_point) == (
        (1, *SHAPE),
        np.float32(SPEC.scale),
        SPEC.zero_point,
    )
    assert (result.shape, result.scale, result.zero_point) == ((1, 3), np.float32(1 / 256), -128)


def test_features_with_a_zero_point(features):
    """A front end with a zero point gives the model an input with that zero point."""
    spec = msgspec.structs.replace(SPEC, scale=0.5, zero_point=20)
    model = shuffled(plain())
    data = quantize(model, features.x["training"], spec, LABELS)
    tensor = read_tflite(data).tensors[read_tflite(data).inputs[0]]
    assert (tensor.scale, tensor.zero_point) == (np.float32(0.5), 20)
    answers = (golden.outputs(data, features.x["testing"]).astype(float) + 128) / 256
    real = (features.x["testing"].astype(np.float32) - 20) * np.float32(0.5)
    assert np.abs(answers - model.predict_on_batch(real[..., None])).mean() < 0.02


def test_metadata_travels_in_the_file(trained, features):
    """Feature specification and labels can be read back from the .tflite."""
    metadata = read_tflite(quantize(trained, features.x["training"][:8], SPEC, LABELS)).metadata
    assert msgspec.json.decode(metadata[METADATA_KEY], type=FeatureSpec) == SPEC
    assert msgspec.json.decode(metadata[LABELS_KEY]) == list(LABELS)


def test_quantizing_twice_gives_the_same_bytes(trained, features):
    """The export is deterministic."""
    clips = features.x["training"][:8]
    assert quantize(trained, clips, SPEC, LABELS) == quantize(trained, clips, SPEC, LABELS)


def test_dead_channel_with_a_bias_keeps_its_value(features):
    """A filter of zeros passes its bias on exactly enough, however small its weight scale."""
    model = shuffled(plain())
    kernel, bias = model.get_layer("first").get_weights()
    kernel[..., 2], kernel[..., 3], bias[3] = 0, 1e-12, 0.7
    model.get_layer("first").set_weights([kernel, bias])
    data = quantize(model, features.x["training"], SPEC, LABELS)
    answers = (golden.outputs(data, features.x["testing"]).astype(float) + 128) / 256
    expected = model.predict_on_batch(features.real("testing"))
    assert np.abs(answers - expected).mean() < 0.02


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (layers.LSTM(4, name="odd"), "'odd' (LSTM)"),
        (layers.Conv2D(4, 3, dilation_rate=2, name="odd"), "dilation"),
        (layers.Conv2D(4, 3, activation="gelu", name="odd"), "'gelu'"),
        (layers.BatchNormalization(name="odd"), "does not follow a convolution"),
        (layers.LeakyReLU(name="odd"), "'odd' (LeakyReLU)"),
        (layers.ReLU(4.0, name="odd"), "ReLU6"),
    ],
)
def test_layer_without_an_integer_counterpart_is_named(layer, says, features):
    """What cannot be quantized is an error that names the layer and what is supported."""
    shape = (SPEC.frames, SPEC.width) if isinstance(layer, layers.LSTM) else SHAPE
    model = keras.Sequential([keras.Input(shape), layer])
    with pytest.raises(ModelError) as error:
        quantize(model, features.x["training"], SPEC, LABELS)
    assert says in error.value.message
    assert "'odd'" in error.value.message
    assert "supported: Conv2D" in error.value.hint


def test_branching_model_is_refused(features):
    """A residual connection is not a chain; the error names the layer at which it is seen."""
    source = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, padding="same", name="first")(source)
    model = keras.Model(source, layers.Add(name="sum")([x, layers.ReLU(name="relu")(x)]))
    with pytest.raises(ModelError, match="'sum' does not read"):
        quantize(model, features.x["training"], SPEC, LABELS)


def test_model_for_other_features_is_refused(trained, features):
    """A model trained on another feature shape is not quantized with this specification."""
    spec = msgspec.structs.replace(SPEC, coefficients=8)
    with pytest.raises(ModelError, match=r"reads .*, the features are"):
        quantize(trained, features.x["training"], spec, LABELS)


def test_labels_must_match_the_outputs(trained, features):
    """As many labels as outputs, or an error."""
    with pytest.raises(ModelError, match="there are 2 labels"):
        quantize(trained, features.x["training"], SPEC, LABELS[:2])


def test_calibration_needs_clips(trained, features):
    """Without clips there are no ranges."""
    with pytest.raises(DataError, match="no clips"):
        quantize(trained, features.x["training"][:0], SPEC, LABELS)
