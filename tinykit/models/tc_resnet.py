"""TC-ResNet: residual blocks of convolutions over time, the spectrum as channels.

Choi et al., "Temporal Convolution for Real-time Keyword Spotting on Mobile Devices"
(arXiv 1904.03814).
"""

from __future__ import annotations

from typing import Any

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.models import _blocks
from tinykit.train.backend import keras

STEM_KERNEL = 3  # frames
KERNEL = 9
FEATURES = {"kind": "log_mel"}

SIZES = {  # channels of the stem and of each block; a block that changes them has stride 2
    "8": (16, 24, 32, 48),
    "14": (16, 24, 24, 32, 32, 48, 48),
}


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size`, `width` and `dropout`."""
    stem, *blocks = (_blocks.scaled(c, config.width) for c in _blocks.size_of(SIZES, config))
    source = _blocks.image(spec)
    x = _blocks.convolution(_blocks.sequence(source), stem, STEM_KERNEL, "stem")
    for index, channels in enumerate(blocks, start=1):
        x = _block(x, channels, 1 if channels == x.shape[-1] else 2, f"block{index}")
    return _blocks.classified(source, x, classes, config)


def _block(x: Any, channels: int, stride: int, name: str) -> Any:
    """Return x and two convolutions of x, added; where sizes change, x goes through a third."""
    straight = x
    if stride > 1:
        straight = _blocks.convolution(x, channels, 1, f"{name}_straight", strides=stride)
    y = _blocks.convolution(x, channels, KERNEL, f"{name}_first", strides=stride)
    y = _blocks.convolution(y, channels, KERNEL, f"{name}_second", relu=False)
    return _blocks.add([straight, y], name)
