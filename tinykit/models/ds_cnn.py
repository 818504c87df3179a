"""DS-CNN: a strided convolution, then depthwise separable blocks, average pooling, one dense layer.

Zhang et al., "Hello Edge: Keyword Spotting on Microcontrollers" (arXiv 1711.07128), in its three
sizes; `s` is the network of MLPerf Tiny's keyword spotting benchmark. It is a plain chain: its
channels can be pruned.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.errors import ConfigError
from tinykit.models import _blocks
from tinykit.train.backend import keras

STEM_KERNEL = (10, 4)  # frames x coefficients
BLOCK_KERNEL = 3
KEYS = ("channels", "blocks")
FEATURES = {"kind": "mfcc", "coefficients": 10}

layers = keras.layers


@dataclass(frozen=True)
class Size:
    """Channels of every layer, blocks, and the strides of the stem and the first block."""

    channels: int
    blocks: int
    stem_stride: tuple[int, int]
    block_stride: int


SIZES = {
    "s": Size(64, 4, (2, 2), 1),
    "m": Size(172, 4, (2, 1), 2),
    "l": Size(276, 5, (2, 1), 2),
}


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network.

    Parameters
    ----------
    spec : FeatureSpec
        Gives the input (frames, width, 1).
    classes : int
        Number of logits.
    config : Model
        `size`; `channels` (one number, or the widths of the stem and of each block) and `blocks` in
        place of the size's; `width`, `dropout`.

    Raises
    ------
    ConfigError
        When the widths do not fit the number of blocks or are not positive.
    """
    size: Size = _blocks.size_of(SIZES, config)
    stem, *blocks = _widths(size, config)
    parts = [
        keras.Input((spec.frames, spec.width, 1), name="features"),
        layers.Conv2D(
            stem, STEM_KERNEL, size.stem_stride, padding="same", use_bias=False, name="stem_conv"
        ),
        *_normalized("stem"),
    ]
    rows, columns = (
        -(-n // s) for n, s in zip((spec.frames, spec.width), size.stem_stride, strict=True)
    )
    for index, width in enumerate(blocks, start=1):
        stride = size.block_stride if index == 1 else 1
        rows, columns = -(-rows // stride), -(-columns // stride)
        parts += [
            layers.DepthwiseConv2D(
                BLOCK_KERNEL,
                stride,
                padding="same",
                use_bias=False,
                name=f"block{index}_depthwise",
            ),
            *_normalized(f"block{index}_depthwise"),
            layers.Conv2D(width, 1, use_bias=False, name=f"block{index}_pointwise"),
            *_normalized(f"block{index}_pointwise"),
        ]
    parts += [
        layers.AveragePooling2D((rows, columns), name="pool"),
        layers.Flatten(name="flatten"),
        layers.Dropout(config.dropout, name="dropout"),
        layers.Dense(classes, name="logits"),
    ]
    return keras.Sequential(parts, name="ds_cnn")


def _normalized(name: str) -> list[keras.Layer]:
    return [
        layers.BatchNormalization(momentum=_blocks.MOMENTUM, name=f"{name}_norm"),
        layers.ReLU(name=f"{name}_relu"),
    ]


def _widths(size: Size, config: Model) -> list[int]:
    """Return the widths of the stem and of each block."""
    blocks = size.blocks if config.blocks is None else config.blocks
    if blocks < 1:
        raise ConfigError(f"[model] blocks is {blocks}; ds_cnn needs at least 1")
    if isinstance(config.channels, list):
        widths = list(config.channels)
    else:
        channels = size.channels if config.channels is None else config.channels
        widths = [channels] * (blocks + 1)
    if len(widths) != blocks + 1:
        raise ConfigError(
            f"[model] channels lists {len(widths)} widths; ds_cnn with {blocks} blocks "
            f"has {blocks + 1} layers to size (the stem and one per block)"
        )
    if min(widths) < 1:
        raise ConfigError(f"[model] channels must be positive, not {min(widths)}")
    if config.width == 1.0:
        return widths
    return [_blocks.scaled(width, config.width) for width in widths]
