"""Make the 16x8 models of `tests/compiler/models_16x8` with Keras and TensorFlow's own converter.

A process of its own, for the converter can crash: python sixteen_by_eight.py FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

CALIBRATION_ROWS = 30


def conv() -> keras.Model:
    """A small convolutional net with a fused ReLU6, a pool and softmax."""
    x = source = layers.Input(batch_shape=(1, 12, 10, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.MaxPool2D(2)(x)
    x = layers.Conv2D(12, 2, activation="relu6", padding="same")(x)
    x = layers.Dense(5, activation="softmax")(layers.Flatten()(x))
    return keras.Model(source, x)


def ds_cnn() -> keras.Model:
    """A depthwise-separable net with batch normalization, as for keywords."""
    x = source = layers.Input(batch_shape=(1, 24, 10, 1))
    x = layers.Conv2D(16, (10, 4), strides=(2, 2), padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for _ in range(2):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(16, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(source, layers.Dense(12, activation="softmax")(x))


def dense() -> keras.Model:
    """Fully connected layers with ReLU, tanh and softmax."""
    x = source = layers.Input(batch_shape=(1, 40))
    x = layers.Dense(24, activation="relu")(x)
    x = layers.Dense(24, activation="tanh")(x)
    return keras.Model(source, layers.Dense(7, activation="softmax")(x))


def branches() -> keras.Model:
    """Branches that meet in sums, products and concatenations; pads, slices and pools."""
    source = layers.Input(batch_shape=(1, 10, 10, 4))
    sum_ = layers.Add()([layers.Conv2D(8, 3, padding="same")(source), layers.Conv2D(8, 1)(source)])
    pooled = layers.AveragePooling2D(2)(layers.ReLU()(sum_))
    x = layers.Conv2D(8, 3, strides=2)(layers.ZeroPadding2D(1)(pooled))
    gate = layers.Conv2D(4, 1, activation="sigmoid")(x)
    product = layers.Multiply()([gate, layers.LeakyReLU()(x[..., :4])])
    x = layers.GlobalAveragePooling2D()(layers.Concatenate()([product, x]))
    return keras.Model(source, layers.Dense(3)(x))


def gru_cell(units: int = 16) -> keras.Model:
    """One step of a GRU whose state goes in and out."""
    x = layers.Input(batch_shape=(1, 20))
    state = layers.Input(batch_shape=(1, units))
    gates = layers.Dense(2 * units, activation="sigmoid")(layers.Concatenate()([x, state]))
    update, reset = gates[:, :units], gates[:, units:]
    kept = layers.Concatenate()([x, layers.Multiply()([reset, state])])
    fresh = layers.Dense(units, activation="tanh")(kept)
    rest = layers.Subtract()([fresh, layers.Multiply()([update, fresh])])
    new = layers.Add()([layers.Multiply()([update, state]), rest])
    return keras.Model([x, state], [layers.Dense(20, activation="sigmoid")(new), new])


def gru_unrolled() -> keras.Model:
    """Keras's own GRU over four steps, unrolled."""
    x = source = layers.Input(batch_shape=(1, 4, 10))
    x = layers.GRU(8, unroll=True, return_sequences=True)(x)
    return keras.Model(source, layers.Dense(5)(x))


MODELS: dict[str, Callable[[], keras.Model]] = {
    "conv": conv,
    "ds_cnn": ds_cnn,
    "dense": dense,
    "branches": branches,
    "gru_cell": gru_cell,
    "gru_unrolled": gru_unrolled,
}
FLOAT_ENDS = ("dense",)  # its inputs and outputs stay float, as the converter leaves them


def convert(model: keras.Model, *, float_ends: bool) -> bytes:
    """Quantize to int16 activations and int8 weights, ranges from noise."""
    rng = np.random.default_rng(0)

    def calibration() -> Iterator[dict[str, np.ndarray] | list[np.ndarray]]:
        for _ in range(CALIBRATION_ROWS):
            values = [rng.normal(size=tensor.shape).astype(np.float32) for tensor in model.inputs]
            values[1:] = [np.tanh(value) for value in values[1:]]  # states
            names = [tensor.name for tensor in model.inputs]
            yield dict(zip(names, values, strict=True)) if len(values) > 1 else values

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    ]
    if not float_ends:
        converter.inference_input_type = converter.inference_output_type = tf.int16
    return converter.convert()


def main(folder: Path) -> None:
    """Write every model into `folder`."""
    for name, build in MODELS.items():
        keras.utils.set_random_seed(1)
        data = convert(build(), float_ends=name in FLOAT_ENDS)
        (folder / f"{name}.tflite").write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
