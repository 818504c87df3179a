"""ESPNetv2-style network over time: pyramids of dilated depthwise convolutions.

Mehta et al., "ESPNetv2: A Light-weight, Power Efficient, and General Purpose Convolutional Neural
Network" (arXiv 1811.11431), brought to one dimension: a unit reduces its channels, sees them
through depthwise windows of growing dilation, adds these up one by one (which removes the gaps of
the wide ones), puts them side by side and mixes them, with a residual around. ReLU in place of
PReLU, and pointwise convolutions without groups.
"""

from __future__ import annotations

from typing import Any

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.models import _blocks
from tinykit.train.backend import keras

STEM_KERNEL = 3  # frames
KERNEL = 5
DILATIONS = (1, 2, 4, 8)
FEATURES = {"kind": "log_mel"}

SIZES = {"s": (64, 4), "m": (96, 5)}  # channels, units


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size`, `width` and `dropout`."""
    channels, units = _blocks.size_of(SIZES, config)
    branch = _blocks.scaled(channels / len(DILATIONS), config.width)
    source = _blocks.image(spec)
    x = _blocks.sequence(source)
    x = _blocks.convolution(x, branch * len(DILATIONS), STEM_KERNEL, "stem")
    for index in range(1, units + 1):
        x = _unit(x, branch, f"unit{index}")
    return _blocks.classified(source, x, classes, config)


def _unit(x: Any, branch: int, name: str) -> Any:
    """Return a unit's output, of the shape of `x`."""
    reduced = _blocks.convolution(x, branch, 1, f"{name}_reduce")
    parts: list[Any] = []
    for dilation in DILATIONS:
        part = f"{name}_dilated{dilation}"
        y = _blocks.depthwise(reduced, KERNEL, part, dilation=dilation, relu=False)
        parts.append(_blocks.add([parts[-1], y], f"{part}_sum", relu=False) if parts else y)
    y = keras.layers.Concatenate(name=f"{name}_joined")(parts)
    y = _blocks.convolution(y, x.shape[-1], 1, f"{name}_mix", relu=False)
    return _blocks.add([x, y], name)
