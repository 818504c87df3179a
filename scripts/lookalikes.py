"""Build models shaped like public ones that are not in this repository, for tests and measurements.

Keras networks with random weights, quantized to int8 by TensorFlow's converter: the layers, sizes
and oddities are those of the public models, what they compute is noise. Written to
`.cache/lookalikes/`, one .tflite each; those that are there already are kept.

python scripts/lookalikes.py [NAME ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / ".cache" / "lookalikes"
CALIBRATION = 24  # random inputs

NAMES = (
    "resnet8",
    "mobilenet_vww",
    "mobilenet_v1",
    "micronet_kws_s",
    "micronet_kws_m",
    "micronet_kws_l",
    "ds_cnn_m",
    "ds_cnn_l",
    "rnnoise",
    "tc_resnet8",
    "bc_resnet",
    "mixednet",
)


def build(names: list[str], folder: Path = FOLDER) -> list[Path]:
    """Return the files of the models, made where they are missing; a process for each.

    The converter can crash the process that runs it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if not (folder / f"{name}.tflite").is_file():
            command = [sys.executable, __file__, "--one", name, "--folder", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{name}: the converter failed\n{done.stderr}")
    return [folder / f"{name}.tflite" for name in names]


def main() -> int:
    """Build what is asked for and print the paths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        data = _converted(chosen.one)
        waiting = chosen.folder / f"{chosen.one}.part"
        waiting.write_bytes(data)
        waiting.replace(chosen.folder / f"{chosen.one}.tflite")
        return 0
    for path in build(chosen.names or list(NAMES), chosen.folder):
        print(path)
    return 0


def _converted(name: str) -> bytes:
    """Return the .tflite of one model."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    import numpy as np
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    if name == "mixednet":
        concrete, module = _mixednet()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
        converter.experimental_enable_resource_variables = True
        converter._experimental_variable_quantization = True
        shapes = [tuple(concrete.inputs[0].shape)]
        names = None
    else:
        model = _NETWORKS[name]()
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        shapes = [tuple(one.shape) for one in model.inputs]
        names = [one.name for one in model.inputs] if len(shapes) > 1 else None
    rng = np.random.default_rng(0)

    def samples() -> Any:
        for _ in range(CALIBRATION):
            values = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
            yield dict(zip(names, values, strict=True)) if names else values

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def _layers() -> Any:
    import keras

    return keras.layers


def _image(*shape: int) -> Any:
    return _layers().Input(batch_shape=(1, *shape), name="x")


def _model(inputs: Any, outputs: Any) -> Any:
    import keras

    return keras.Model(inputs, outputs)


def _start(inputs: int, what: str = "kernel") -> dict[str, Any]:
    """Return initializers with which values neither grow nor die from layer to layer.

    inputs : how many each output sums. Were the biases larger than the sums, a ReLU would clamp
    some channels always, and the compiler remove them: trained networks have few of those.
    """
    import keras

    normal = keras.initializers.RandomNormal
    spread = (2 / inputs) ** 0.5
    return {f"{what}_initializer": normal(0, spread), "bias_initializer": normal(0, 0.02)}


def _area(size: Any) -> int:
    return size[0] * size[1] if isinstance(size, tuple) else size * size


def _conv(x: Any, channels: int, size: Any, strides: Any = 1, relu: Any = 6, **more: Any) -> Any:
    start = _start(_area(size) * x.shape[-1])
    layer = _layers().Conv2D(channels, size, strides, padding="same", **start, **more)
    return _activated(layer(x), relu)


def _depthwise(x: Any, size: Any, strides: Any = 1, relu: Any = 6, **more: Any) -> Any:
    start = _start(_area(size), "depthwise")
    layer = _layers().DepthwiseConv2D(size, strides, padding="same", **start, **more)
    return _activated(layer(x), relu)


def _activated(x: Any, relu: Any) -> Any:
    if relu is None:
        return x
    return _layers().ReLU(relu if relu else None)(x)


def _resnet8() -> Any:
    """MLPerf Tiny image classification: three stacks of residual blocks on 32x32x3."""
    k = _layers()
    x = inputs = _image(32, 32, 3)
    x = _conv(x, 16, 3, relu=0)
    for channels, strides in ((16, 1), (32, 2), (64, 2)):
        y = _conv(x, channels, 3, strides, relu=0)
        y = _conv(y, channels, 3, relu=None)
        if strides > 1:
            x = _conv(x, channels, 1, strides, relu=None)
        x = k.ReLU()(k.Add()([x, y]))
    x = k.Flatten()(k.AveragePooling2D(8)(x))
    return _model(inputs, k.Dense(10, activation="softmax")(x))


def _mobilenet_vww() -> Any:
    """MLPerf Tiny person detection: MobileNetV1 0.25 on 96x96x3, a third of its filters zero."""
    import numpy as np

    k = _layers()
    x = inputs = _image(96, 96, 3)
    x = _conv(x, 8, 3, 2)
    plan = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)]
    plan += [(128, 1)] * 5 + [(256, 2), (256, 1)]
    for channels, strides in plan:
        x = _conv(_depthwise(x, 3, strides), channels, 1)
    x = k.Flatten()(k.AveragePooling2D(3)(x))
    model = _model(inputs, k.Dense(2, activation="softmax")(x))
    rng = np.random.default_rng(1)
    dead = None  # channels that died in training; most of the depthwise ones with their source
    for layer in model.layers:
        if isinstance(layer, k.DepthwiseConv2D):
            kernel, bias = layer.get_weights()
            kernel[:, :, dead] = 0
            layer.set_weights([kernel, bias])
        elif isinstance(layer, k.Conv2D):
            kernel, bias = layer.get_weights()
            dead = rng.random(bias.size) < 0.36
            kernel[..., dead] = 0
            layer.set_weights([kernel, bias])
            dead &= rng.random(bias.size) < 0.9
    return model


def _mobilenet_v1() -> Any:
    """MobileNetV1 0.25 on 96x96x3 as Keras has it: strided layers behind PAD on two sides."""
    import keras

    model = keras.applications.MobileNet(
        input_tensor=_image(96, 96, 3), alpha=0.25, weights=None, classes=2
    )
    for layer in model.layers:  # their own weights let values die from layer to layer
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            kernel, *bias = layer.get_weights()
            single = isinstance(layer, keras.layers.DepthwiseConv2D)
            inputs = _area(kernel.shape[:2]) * (1 if single else kernel.shape[2])
            start = _start(inputs)["kernel_initializer"]
            layer.set_weights([start(kernel.shape), *bias])
    return model


def _separable(
    inputs: Any, first: tuple[int, Any, Any], blocks: list[tuple[int, Any]], classes: int = 12
) -> Any:
    """A first convolution, depthwise-separable blocks, an average, a dense layer."""
    k = _layers()
    channels, size, strides = first
    x = _conv(inputs, channels, size, strides, relu=0)
    for channels, strides in blocks:
        x = _conv(_depthwise(x, 3, strides, relu=0), channels, 1, relu=0)
    x = k.Flatten()(k.AveragePooling2D(x.shape[1:3])(x))
    return _model(inputs, k.Dense(classes, activation="softmax")(x))


def _micronet_kws(stem: int, *blocks: int) -> Any:
    """MicroNet for keywords: a wide convolution at full resolution, then half of it each way."""
    strides = [2] + [1] * (len(blocks) - 1)
    widths = list(zip(blocks, strides, strict=True))
    return _separable(_image(49, 10, 1), (stem, (10, 4), 1), widths)


def _ds_cnn_m() -> Any:
    """Arm's DS-CNN, medium."""
    blocks = [(172, 2), (172, 1), (172, 1), (172, 1)]
    return _separable(_image(49, 10, 1), (172, (10, 4), (2, 1)), blocks)


def _ds_cnn_l() -> Any:
    """Arm's DS-CNN, large."""
    blocks = [(276, 2), (276, 1), (276, 1), (276, 1), (276, 1)]
    return _separable(_image(49, 10, 1), (276, (10, 4), (2, 1)), blocks)


def _gru(x: Any, state: Any, units: int) -> Any:
    """One step of a GRU as exported graphs hold it: gates side by side, split afterwards."""
    import keras

    k, ops = _layers(), keras.ops
    given = k.Dense(3 * units)(x)
    own = k.Dense(2 * units, use_bias=False)(state)
    z = ops.sigmoid(given[:, :units] + own[:, :units])
    r = ops.sigmoid(given[:, units : 2 * units] + own[:, units:])
    candidate = k.Dense(units, use_bias=False)(r * state)
    h = ops.tanh(given[:, 2 * units :] + candidate)
    return z * state + (1 - z) * h


def _rnnoise() -> Any:
    """RNNoise: three GRUs of 24, 48 and 96 units, one step, states as inputs and outputs."""
    k = _layers()
    features = k.Input(batch_shape=(1, 42), name="features")
    states = [k.Input(batch_shape=(1, n), name=f"state_{n}") for n in (24, 48, 96)]
    dense = k.Dense(24, activation="tanh")(features)
    voice = _gru(dense, states[0], 24)
    noise = _gru(k.Concatenate()([dense, voice, features]), states[1], 48)
    cleaner = _gru(k.Concatenate()([voice, noise, features]), states[2], 96)
    gains = k.Dense(22, activation="sigmoid")(cleaner)
    activity = k.Dense(1, activation="sigmoid")(voice)
    return _model([features, *states], [gains, activity, voice, noise, cleaner])


def _tc_resnet8() -> Any:
    """TC-ResNet8: convolutions over time only, frequencies as channels, residuals."""
    k = _layers()
    x = inputs = _image(98, 1, 40)
    x = _conv(x, 16, (3, 1), relu=None)
    for channels in (24, 32, 48):
        y = _conv(x, channels, (9, 1), (2, 1), relu=0)
        y = _conv(y, channels, (9, 1), relu=None)
        x = k.ReLU()(k.Add()([_conv(x, channels, 1, (2, 1), relu=0), y]))
    x = k.AveragePooling2D((x.shape[1], 1))(x)
    x = _conv(x, 12, 1, relu=None)
    return _model(inputs, k.Softmax()(k.Flatten()(x)))


def _bc_resnet() -> Any:
    """BC-ResNet: averages over frequency, broadcast back onto the map by ADD, gated by MUL."""
    import keras

    k = _layers()
    x = inputs = _image(40, 100, 1)
    x = _conv(x, 16, 5, (2, 1), relu=0)
    for channels, strides, dilation in ((8, 1, 1), (12, 2, 2), (16, 2, 4), (20, 1, 8)):
        if channels != x.shape[-1]:
            x = _conv(x, channels, 1, relu=0)
        f = _depthwise(x, (3, 1), (strides, strides) if strides > 1 else 1, relu=None)
        if strides > 1:
            x = k.AveragePooling2D((strides, strides))(x)
            f = f[:, : x.shape[1], : x.shape[2]]
        t = k.AveragePooling2D((f.shape[1], 1))(f)
        t = _depthwise(t, (1, 3), relu=None, dilation_rate=(1, dilation))
        t = t * keras.ops.sigmoid(t)
        t = _conv(t, channels, 1, relu=None)
        x = k.ReLU()(x + f + t)
        x = x * keras.ops.sigmoid(k.Conv2D(channels, 1)(keras.ops.mean(x, (1, 2), keepdims=True)))
    x = _depthwise(x, 5, relu=None)
    x = _conv(x, 32, 1, relu=0)
    x = keras.ops.mean(x, (1, 2))
    return _model(inputs, k.Dense(12, activation="softmax")(x))


def _mixednet() -> Any:
    """microWakeWord's MixedNet: a stream whose rings are resource variables."""
    import tensorflow as tf

    class MixedNet(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rings: dict[str, tf.Variable] = {}
            self.count = 0

        def weights(self, *shape: int) -> tf.Variable:
            self.count += 1
            scale = 1.0 / max(1.0, float(shape[0] * (shape[2] if len(shape) > 2 else 1))) ** 0.5
            return tf.Variable(tf.random.normal(shape, stddev=scale, seed=self.count))

        def ring(self, name: str, x: Any, rows: int) -> Any:
            ring = self.rings[name]
            joined = tf.concat([ring, x], 1)
            ring.assign(joined[:, -rows:])
            return joined

    module = MixedNet()
    groups = [(32, 48, (5,)), (48, 48, (7, 11)), (48, 48, (9, 15)), (48, 48, (23,))]
    module.rings["first"] = tf.Variable(tf.zeros((1, 2, 1, 40)))
    for i, (depth, _, sizes) in enumerate(groups):
        module.rings[f"mix{i}"] = tf.Variable(tf.zeros((1, max(sizes) - 1, 1, depth)))
    module.rings["head"] = tf.Variable(tf.zeros((1, 5, 1, 48)))
    module.first = first = module.weights(3, 1, 40, 32)
    module.mixes = mixes = [
        [module.weights(n, 1, depth // len(sizes), 1) for n in sizes] for depth, _, sizes in groups
    ]
    module.points = points = [module.weights(1, 1, depth, out) for depth, out, _ in groups]
    module.dense = dense = module.weights(6 * 48, 1)

    def step(x: Any) -> Any:
        x = module.ring("first", tf.reshape(x, (1, 3, 1, 40)), 2)
        x = tf.nn.relu(tf.nn.conv2d(x, first, (1, 3, 1, 1), "VALID"))
        for i, (_, _, sizes) in enumerate(groups):
            x = module.ring(f"mix{i}", x, max(sizes) - 1)
            parts = tf.split(x, len(sizes), 3) if len(sizes) > 1 else [x]
            mixed = [
                tf.nn.depthwise_conv2d(p[:, max(sizes) - n :], w, (1, 1, 1, 1), "VALID")
                for p, w, n in zip(parts, mixes[i], sizes, strict=True)
            ]
            x = tf.concat(mixed, 3) if len(mixed) > 1 else mixed[0]
            x = tf.nn.relu(tf.nn.conv2d(x, points[i], 1, "VALID") + 0.1)
        x = module.ring("head", x, 5)
        return tf.sigmoid(tf.matmul(tf.reshape(x, (1, -1)), dense))

    function = tf.function(step, input_signature=[tf.TensorSpec((1, 3, 40), tf.float32)])
    return function.get_concrete_function(), module


_NETWORKS: dict[str, Callable[[], Any]] = {
    "resnet8": _resnet8,
    "mobilenet_vww": _mobilenet_vww,
    "mobilenet_v1": _mobilenet_v1,
    "micronet_kws_s": lambda: _micronet_kws(84, 112, 84, 84, 84, 196),
    "micronet_kws_m": lambda: _micronet_kws(140, 140, 140, 140, 112, 196),
    "micronet_kws_l": lambda: _micronet_kws(276, 248, 276, 276, 248, 248, 248, 248),
    "ds_cnn_m": _ds_cnn_m,
    "ds_cnn_l": _ds_cnn_l,
    "rnnoise": _rnnoise,
    "tc_resnet8": _tc_resnet8,
    "bc_resnet": _bc_resnet,
}


if __name__ == "__main__":
    sys.exit(main())
