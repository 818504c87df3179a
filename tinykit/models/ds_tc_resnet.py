"""Separable TC-ResNet: a small look at the spectrum as an image, then residual blocks over time.

The blocks are depthwise separable convolutions over time with growing windows (as in MatchboxNet,
Majumdar and Ginsburg, arXiv 2004.08531). Before them, two strided convolutions see neighbouring mel
bands: a voice that is a few bands higher gives nearly the same sequence.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.models import _blocks
from tinykit.train.backend import keras

STEM_KERNEL = (3, 5)  # frames x bands
FEATURES = {"kind": "log_mel"}


@dataclass(frozen=True)
class Size:
    """Channels of the two convolutions of the image and of the sequence; windows of the blocks."""

    stem: int
    image: int
    sequence: int
    kernels: tuple[int, ...]


SIZES = {
    "s": Size(16, 8, 40, (5, 7, 9, 11)),
    "m": Size(16, 8, 60, (5, 7, 9, 11, 13)),
    "l": Size(32, 16, 128, (5, 7, 9, 11, 13, 15)),
}


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size`, `width` and `dropout`."""
    size: Size = _blocks.size_of(SIZES, config)
    stem, image, channels = (
        _blocks.scaled(c, config.width) for c in (size.stem, size.image, size.sequence)
    )
    source = _blocks.image(spec)
    x = _blocks.convolution(source, stem, STEM_KERNEL, "stem", strides=(1, 2))
    x = _blocks.depthwise(x, STEM_KERNEL, "bands", strides=(1, 2))
    x = _blocks.convolution(x, image, 1, "mix")
    x = _blocks.convolution(_blocks.sequence(x), channels, 1, "enter")
    for index, kernel in enumerate(size.kernels, start=1):
        y = _blocks.depthwise(x, kernel, f"block{index}_depthwise", relu=False)
        y = _blocks.convolution(y, channels, 1, f"block{index}_pointwise", relu=False)
        x = _blocks.add([x, y], f"block{index}")
    return _blocks.classified(source, x, classes, config)
