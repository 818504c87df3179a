"""MicroNet for keyword spotting: a wide convolution, then depthwise separable blocks.

Banbury et al., "MicroNets: Neural Network Architectures for Deploying TinyML Applications on
Commodity Microcontrollers" (arXiv 2010.11267). The medium one has the published network's
15,556,352 MACs (12 classes); small and large are made to the published sizes.
"""

from __future__ import annotations

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.models import _blocks
from tinykit.train.backend import keras

STEM_KERNEL = (10, 4)  # frames x coefficients
FEATURES = {"kind": "mfcc", "coefficients": 10}

SIZES = {  # channels of the stem and of each block; the first block has stride 2
    "s": (84, 112, 84, 84, 84, 196),
    "m": (140, 140, 140, 140, 112, 196),
    "l": (276, 248, 276, 276, 248, 248, 248, 248),
}


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size`, `width` and `dropout`."""
    stem, *blocks = (_blocks.scaled(c, config.width) for c in _blocks.size_of(SIZES, config))
    source = _blocks.image(spec)
    x = _blocks.convolution(source, stem, STEM_KERNEL, "stem")
    for index, channels in enumerate(blocks, start=1):
        stride = 2 if index == 1 else 1
        x = _blocks.depthwise(x, 3, f"block{index}_depthwise", strides=stride)
        x = _blocks.convolution(x, channels, 1, f"block{index}_pointwise")
    return _blocks.classified(source, x, classes, config)
