"""What the architectures share: normalized convolutions over images or sequences, and the end.

An image is (frames, width, channels), a sequence (frames, channels). Convolutions have no bias:
the normalization behind them brings it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.errors import ConfigError
from tinykit.train.backend import keras

MOMENTUM = 0.9  # of the moving averages: short trainings must settle too
MULTIPLE = 4  # channels: kernels work on blocks of four

layers = keras.layers


def scaled(channels: float, width: float) -> int:
    """Return `channels * width` to the nearest multiple of `MULTIPLE`, at least one."""
    return max(MULTIPLE, round(channels * width / MULTIPLE) * MULTIPLE)


def size_of(sizes: dict[str, Any], config: Model) -> Any:
    """Return the chosen entry of `SIZES`; the default is the first."""
    return sizes[config.size or next(iter(sizes))]


def image(spec: FeatureSpec) -> Any:
    """Return the input (frames, width, 1)."""
    return keras.Input((spec.frames, spec.width, 1), name="features")


def sequence(x: Any) -> Any:
    """Return an image as a sequence: each row's values are its channels."""
    frames, width, channels = x.shape[1:]
    return layers.Reshape((frames, width * channels), name="sequence")(x)


def convolution(
    x: Any,
    channels: int,
    size: int | tuple[int, int],
    name: str,
    *,
    strides: int | tuple[int, int] = 1,
    padding: str = "same",
    relu: bool = True,
) -> Any:
    """Return the normalized convolution of an image or a sequence, with or without ReLU."""
    kind = layers.Conv1D if len(x.shape) == 3 else layers.Conv2D
    made = kind(channels, size, strides=strides, padding=padding, use_bias=False, name=name)
    return normalized(made(x), name, relu=relu)


def depthwise(
    x: Any,
    size: int | tuple[int, int],
    name: str,
    *,
    strides: int | tuple[int, int] = 1,
    dilation: int | tuple[int, int] = 1,
    padding: str = "same",
    relu: bool = True,
) -> Any:
    """Return the normalized depthwise convolution of an image or a sequence."""
    kind = layers.DepthwiseConv1D if len(x.shape) == 3 else layers.DepthwiseConv2D
    made = kind(
        size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation,
        use_bias=False,
        name=name,
    )
    return normalized(made(x), name, relu=relu)


def normalized(x: Any, name: str, *, relu: bool = True) -> Any:
    """Return batch normalization, then ReLU where it is wanted."""
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def add(values: Sequence[Any], name: str, *, relu: bool = True) -> Any:
    """Return the sum of two values, then ReLU where it is wanted."""
    x = layers.Add(name=name)(list(values))
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def classified(source: Any, x: Any, classes: int, config: Model) -> keras.Model:
    """Return the model from `source` to the logits: mean over time and width, one dense layer."""
    if len(x.shape) > 2:
        pool = layers.GlobalAveragePooling1D if len(x.shape) == 3 else layers.GlobalAveragePooling2D
        x = pool(name="pool")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = layers.Dense(classes, name="logits")(x)
    return keras.Model(source, x, name=config.architecture)


def require_frames(needed: int, spec: FeatureSpec, name: str) -> None:
    """Refuse clips that are too short for windows without padding.

    Raises
    ------
    ConfigError
        When the clip has fewer than `needed` frames.
    """
    if spec.frames < needed:
        raise ConfigError(
            f"[model] {name} reads {needed} frames, a clip has {spec.frames}",
            "longer clips or a shorter hop ([features] clip_ms, hop_ms), or another architecture",
        )
