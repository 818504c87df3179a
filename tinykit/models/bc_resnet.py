"""BC-ResNet: residual blocks in which a sequence over time is broadcast over the spectrum.

Kim et al., "Broadcasted Residual Learning for Efficient Keyword Spotting" (arXiv 2106.04140), sizes
by its tau. For int8 it differs from the paper in three places:

- batch normalization in place of SubSpectralNorm: a factor per band and channel cannot be folded
  into the weights of a convolution;
- ReLU in place of swish, which would be a table lookup between two convolutions;
- the mean over bands is an average pooling, in the quantization of its input.
"""

from __future__ import annotations

from typing import Any

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.models import _blocks
from tinykit.train.backend import keras

BASE = 8  # channels of the first stage where tau is 1
STAGES = ((1, 2, 1), (1.5, 2, 2), (2, 4, 2), (2.5, 4, 1))
"""Channels as a multiple of the base, blocks, stride over the bands; the stage's number is log2 of
the dilation in time."""
FEATURES = {"kind": "log_mel"}

SIZES = {"1": 1.0, "1.5": 1.5, "2": 2.0, "3": 3.0, "6": 6.0, "8": 8.0}  # tau

layers = keras.layers


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size` (tau), `width` and `dropout`."""
    base = BASE * _blocks.size_of(SIZES, config) * config.width
    source = _blocks.image(spec)
    x = _blocks.convolution(source, _blocks.scaled(2 * base, 1), 5, "stem", strides=(1, 2))
    for stage, (factor, blocks, stride) in enumerate(STAGES):
        for block in range(blocks):
            x = _block(
                x,
                _blocks.scaled(factor * base, 1),
                stride if block == 0 else 1,
                2**stage,
                f"stage{stage + 1}_block{block + 1}",
                transition=block == 0,
            )
    x = _blocks.depthwise(x, 5, "last_depthwise", relu=False)
    x = _band_mean(x, "last")
    x = _blocks.convolution(x, _blocks.scaled(4 * base, 1), 1, "last_pointwise")
    return _blocks.classified(source, x, classes, config)


def _block(
    x: Any, channels: int, stride: int, dilation: int, name: str, *, transition: bool
) -> Any:
    """Return ReLU(f2(x) + broadcast(f1(mean over bands of f2(x))) [+ x])."""
    y = _blocks.convolution(x, channels, 1, f"{name}_transition") if transition else x
    y = _blocks.depthwise(y, (1, 3), f"{name}_bands", strides=(1, stride), relu=False)
    z = _band_mean(y, name)
    z = _blocks.depthwise(z, (3, 1), f"{name}_time", dilation=(dilation, 1))
    z = layers.Conv2D(channels, 1, name=f"{name}_pointwise")(z)
    if not transition:
        y = _blocks.add([x, y], f"{name}_residual", relu=False)
    return _blocks.add([y, z], f"{name}_broadcast")


def _band_mean(x: Any, name: str) -> Any:
    """(frames, bands, channels) -> (frames, 1, channels)."""
    return layers.AveragePooling2D((1, x.shape[2]), name=f"{name}_mean")(x)
