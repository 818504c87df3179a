"""What the enhancers share: the input, normalized layers, gains at the end."""

from __future__ import annotations

from typing import Any

from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Model
from tinykit.train.backend import keras

MOMENTUM = 0.95  # of the moving averages

layers = keras.layers


def source(spec: StftSpec) -> Any:
    """Return the input, (frames, bands)."""
    return keras.Input((None, spec.bands), name="features")


def normalized_source(spec: StftSpec) -> tuple[Any, Any]:
    """Return the input and, from it, each band normalized: (frames, 1, bands)."""
    features = source(spec)
    x = layers.Reshape((-1, 1, spec.bands), name="frame")(features)
    return features, layers.BatchNormalization(momentum=MOMENTUM, name="input_norm")(x)


def dense(x: Any, units: int, name: str, *, relu: bool = True) -> Any:
    """Return the matrix product at each position, normalized, then ReLU where it is wanted."""
    x = layers.Dense(units, use_bias=False, name=name)(x)
    return _finish(x, name, relu)


def convolution(x: Any, channels: int, size: int, name: str, *, stride: int = 1) -> Any:
    """Return the normalized convolution along the positions of each frame, then ReLU."""
    made = layers.Conv2D(
        channels, (1, size), strides=(1, stride), padding="same", use_bias=False, name=name
    )
    return _finish(made(x), name, True)


def positions(x: Any, count: int, name: str) -> Any:
    """Return the values of each frame as `count` positions."""
    return layers.Reshape((-1, count, x.shape[2] * x.shape[3] // count), name=name)(x)


def gains(features: Any, x: Any, config: Model, spec: StftSpec) -> keras.Model:
    """Return the model whose gains are the logistic of x, (frames, ..., ...) of `bands` values."""
    x = layers.Activation("sigmoid", name="gate")(x)
    x = layers.Reshape((-1, spec.bands), name="gains")(x)
    return keras.Model(features, x, name=config.architecture)


def _finish(x: Any, name: str, relu: bool) -> Any:
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x
