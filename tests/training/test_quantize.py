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


def pyramid() -> keras.Model:
    """Over time: dilations, a crop, values side by side, a product, a difference, a sum."""
    source = keras.Input(SHAPE)
    x = layers.Reshape(SHAPE[:2], name="sequence")(source)
    x = layers.Conv1D(6, 3, activation="relu", name="enter")(x)
    wide = layers.DepthwiseConv1D(3, dilation_rate=2, padding="same", name="wide")(x)
    wide = layers.BatchNormalization(name="norm")(wide)
    near = layers.DepthwiseConv1D(5, padding="same", name="near")(x)
    x = layers.Concatenate(name="joined")([wide, near])
    newest = layers.Cropping1D((2, 0), name="newest")(x)
    gate = layers.ReLU(6.0, name="open")(layers.Conv1D(12, 3, name="gate")(x))
    x = layers.ReLU(name="positive")(layers.Multiply(name="gated")([newest, gate]))
    x = layers.Add(name="sum")([x, layers.Subtract(name="difference")([newest, gate])])
    x = layers.MaxPooling1D(2, name="pool")(x)
    x = layers.AveragePooling1D(2, padding="same", name="mean")(x)
    x = layers.GlobalAveragePooling1D(name="global")(layers.Dense(5, name="each")(x))
    return keras.Model(source, layers.Dense(len(LABELS), activation="softmax", name="end")(x))


def broadcasting() -> keras.Model:
    """The mean over the width is added to every column."""
    source = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, padding="same", name="first")(source)
    mean = layers.AveragePooling2D((1, SHAPE[1]), name="mean")(x)
    x = layers.Activation("relu", name="relu")(layers.Add(name="spread")([x, mean]))
    x = layers.GlobalAveragePooling2D(name="global")(x)
    return keras.Model(source, layers.Dense(len(LABELS), activation="softmax", name="end")(x))


def gated() -> keras.Model:
    """A gated recurrent unit over all frames."""
    source = keras.Input(SHAPE)
    x = layers.GRU(6, name="gru")(layers.Reshape(SHAPE[:2], name="sequence")(source))
    return keras.Model(source, layers.Dense(len(LABELS), activation="softmax", name="end")(x))


def remembering() -> keras.Model:
    """Two long short-term memories, the first of which gives every step."""
    source = keras.Input(SHAPE)
    x = layers.Reshape(SHAPE[:2], name="sequence")(source)
    x = layers.LSTM(6, return_sequences=True, name="first")(x)
    x = layers.LSTM(5, use_bias=False, name="second")(x)
    return keras.Model(source, layers.Dense(len(LABELS), activation="softmax", name="end")(x))


NETWORKS = [plain, functional, pyramid, broadcasting, gated, remembering]


@pytest.mark.parametrize("build", NETWORKS)
def test_folded_operations_compute_what_keras_computes(build, features):
    """Normalization folded, activations fused: float results equal Keras's to rounding."""
    model = shuffled(build())
    x = features.real("testing")
    *_, folded = floating.run(fold(model), x)
    np.testing.assert_allclose(folded, model.predict_on_batch(x), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("build", NETWORKS)
def test_int8_of_other_networks_follows_the_float_model(build, features):
    """Every supported layer survives export: int8 probabilities stay close to the float ones."""
    model = shuffled(build())
    data = quantize(model, features.x["training"], SPEC, LABELS)
    answers = (golden.outputs(data, features.x["testing"]).astype(float) + 128) / 256
    expected = model.predict_on_batch(features.real("testing"))
    assert np.abs(answers - expected).mean() < 0.03


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
        (layers.SimpleRNN(4, name="odd"), "'odd' (SimpleRNN)"),
        (layers.GRU(4, reset_after=False, name="odd"), "reset_after=False"),
        (layers.GRU(4, return_sequences=True, name="odd"), "return_sequences=True"),
        (layers.LSTM(4, activation="relu", name="odd"), "activation 'relu'"),
        (layers.LSTM(4, go_backwards=True, name="odd"), "go_backwards=True"),
        (layers.Conv1D(4, 3, padding="causal", name="odd"), "padding 'causal'"),
        (layers.Conv2D(4, 3, activation="gelu", name="odd"), "'gelu'"),
        (layers.LeakyReLU(name="odd"), "'odd' (LeakyReLU)"),
        (layers.ReLU(4.0, name="odd"), "ReLU6"),
    ],
)
def test_layer_without_an_integer_counterpart_is_named(layer, says, features):
    """What cannot be quantized is an error that names the layer and what is supported."""
    parts = [keras.Input(SHAPE), layer]
    if isinstance(layer, layers.RNN | layers.Conv1D):
        parts.insert(1, layers.Reshape(SHAPE[:2]))
    with pytest.raises(ModelError) as error:
        fold(keras.Sequential(parts))
    assert says in error.value.message
    assert "'odd'" in error.value.message
    assert "supported: Conv" in error.value.hint


def _read_twice(x):
    return layers.Add(name="sum")([x, layers.ReLU(name="odd")(x)])


def _shared(x):
    layer = layers.Conv2D(4, 3, padding="same", name="odd")
    return layer(layer(x))


def _sum_of_three(x):
    return layers.Add(name="odd")([x, x, x])


def _rows_joined(x):
    return layers.Concatenate(axis=1, name="odd")([x, x])


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (_read_twice, "another layer reads the value before it"),
        (_shared, "used more than once"),
        (_sum_of_three, "3 inputs"),
        (_rows_joined, "joins axis 1"),
    ],
)
def test_branches_that_cannot_be_folded_are_named(build, says):
    """A value that is needed before and after its activation, a layer used twice: an error."""
    source = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, padding="same", name="first")(source)
    with pytest.raises(ModelError) as error:
        fold(keras.Model(source, build(x)))
    assert says in error.value.message
    assert "'odd'" in error.value.message


def test_values_side_by_side_have_one_quantization(features):
    """All inputs of a concatenation, and its output, get the scale of the widest range."""
    data = quantize(shuffled(pyramid()), features.x["training"], SPEC, LABELS)
    graph = read_tflite(data)
    (joined,) = (op for op in graph.ops if op.kind == "concatenation")
    found = {
        (graph.tensors[key].scale, graph.tensors[key].zero_point)
        for key in (*joined.inputs, *joined.outputs)
    }
    assert len(found) == 1


def test_steps_of_a_recurrence_share_their_constants(features):
    """An unrolled GRU has each weight once in the file, and one scale for all states."""
    graph = read_tflite(quantize(shuffled(gated()), features.x["training"], SPEC, LABELS))
    steps = [op for op in graph.ops if op.kind == "fully_connected"][:-1]
    assert len(steps) == SPEC.frames
    assert len({op.inputs[1] for op in steps}) == 1
    assert len({graph.tensors[op.inputs[0]].scale for op in steps}) == 1


def test_clips_do_not_hear_each_other(features):
    """Where the model has a state, each clip is answered as if it were the first."""
    data = quantize(shuffled(remembering()), features.x["training"], SPEC, LABELS)
    clips = features.x["testing"][:4]
    np.testing.assert_array_equal(
        golden.outputs(data, clips)[::-1], golden.outputs(data, clips[::-1])
    )


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
