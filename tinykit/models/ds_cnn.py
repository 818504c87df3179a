"""DS-CNN: a strided convolution, then depthwise separable blocks, average pooling, one dense layer.

Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers" (arXiv 1711.07128); with 64
channels and 4 blocks the network of MLPerf Tiny's keyword spotting benchmark.
"""

from __future__ import annotations

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.errors import ConfigError
from tinykit.train.backend import keras

STEM_KERNEL = (10, 4)  # frames x coefficients
STEM_STRIDE = 2
BLOCK_KERNEL = 3
MOMENTUM = 0.9  # of the moving averages: short trainings must settle too

layers = keras.layers


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network.

    Parameters
    ----------
    spec : FeatureSpec
        Gives the input (frames, width, 1).
    classes : int
        Number of logits.
    config : Model
        `channels` (one number, or the widths of the stem and of each block), `blocks`, `dropout`.

    Raises
    ------
    ConfigError
        When the widths do not fit the number of blocks or are not positive.
    """
    stem, *blocks = _widths(config)
    parts = [
        keras.Input((spec.frames, spec.width, 1), name="features"),
        layers.Conv2D(
            stem, STEM_KERNEL, STEM_STRIDE, padding="same", use_bias=False, name="stem_conv"
        ),
        *_normalized("stem"),
    ]
    for index, width in enumerate(blocks, start=1):
        parts += [
            layers.DepthwiseConv2D(
                BLOCK_KERNEL, padding="same", use_bias=False, name=f"block{index}_depthwise"
            ),
            *_normalized(f"block{index}_depthwise"),
            layers.Conv2D(width, 1, use_bias=False, name=f"block{index}_pointwise"),
            *_normalized(f"block{index}_pointwise"),
        ]
    pooled = (-(-spec.frames // STEM_STRIDE), -(-spec.width // STEM_STRIDE))
    parts += [
        layers.AveragePooling2D(pooled, name="pool"),
        layers.Flatten(name="flatten"),
        layers.Dropout(config.dropout, name="dropout"),
        layers.Dense(classes, name="logits"),
    ]
    return keras.Sequential(parts, name="ds_cnn")


def _normalized(name: str) -> list[keras.Layer]:
    return [
        layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm"),
        layers.ReLU(name=f"{name}_relu"),
    ]


def _widths(config: Model) -> list[int]:
    """Return the widths of the stem and of each block."""
    if config.blocks < 1:
        raise ConfigError(f"[model] blocks is {config.blocks}; ds_cnn needs at least 1")
    if isinstance(config.channels, int):
        widths = [config.channels] * (config.blocks + 1)
    else:
        widths = list(config.channels)
    if len(widths) != config.blocks + 1:
        raise ConfigError(
            f"[model] channels lists {len(widths)} widths; ds_cnn with {config.blocks} blocks "
            f"has {config.blocks + 1} layers to size (the stem and one per block)"
        )
    if min(widths) < 1:
        raise ConfigError(f"[model] channels must be positive, not {min(widths)}")
    return widths
