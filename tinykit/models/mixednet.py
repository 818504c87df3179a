"""MixedNet: depthwise convolutions of several lengths side by side, without padding.

The wake-word network of microWakeWord, after MixConv (Tan and Le, arXiv 1907.09595), with its
windows for 20 ms hops in place of 10 ms. A mixed convolution cuts its channels into groups, each
with a window length of its own; here each group comes from a pointwise convolution of its own,
which computes the same and needs no cutting. Nothing pads the time axis, so
`tinykit compile --stream` computes one hop at a time.
"""

from __future__ import annotations

from typing import Any

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.models import _blocks
from tinykit.train.backend import keras

STEM_KERNEL = 3  # frames
KERNELS = ((3,), (3, 5), (5, 7), (11,))  # frames, of the groups of each block
FEATURES = {"kind": "log_mel"}

SIZES = {"s": (32, 48), "m": (32, 64)}  # channels of the stem and of the blocks

layers = keras.layers


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size`, `width` and `dropout`.

    Raises
    ------
    ConfigError
        When a clip is shorter than the windows one after the other.
    """
    stem, channels = (_blocks.scaled(c, config.width) for c in _blocks.size_of(SIZES, config))
    _blocks.require_frames(STEM_KERNEL + sum(max(k) - 1 for k in KERNELS), spec, "mixednet")
    source = _blocks.image(spec)
    x = _blocks.sequence(source)
    x = _blocks.convolution(x, stem, STEM_KERNEL, "stem", padding="valid")
    for index, kernels in enumerate(KERNELS, start=1):
        x = _mixed(x, channels, kernels, f"block{index}")
    x = _blocks.convolution(x, channels, 1, "last")
    return _blocks.classified(source, x, classes, config)


def _mixed(x: Any, channels: int, kernels: tuple[int, ...], name: str) -> Any:
    """Return the groups side by side: (frames, channels) -> (frames - longest + 1, channels)."""
    parts = []
    for kernel in kernels:
        part = f"{name}_{kernel}"
        y = _blocks.convolution(x, channels // len(kernels), 1, f"{part}_pointwise")
        if kernel < max(kernels):  # of the newest frames, all windows end together
            y = layers.Cropping1D((max(kernels) - kernel, 0), name=f"{part}_newest")(y)
        parts.append(_blocks.depthwise(y, kernel, f"{part}_depthwise", padding="valid"))
    return parts[0] if len(parts) == 1 else layers.Concatenate(name=name)(parts)
