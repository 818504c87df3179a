"""SVDF: in each layer, a filter over the spectrum, then one over time, for every unit.

Alvarez and Park, "End-to-end Streaming Keyword Spotting" (arXiv 1812.02802), with rank 1. A unit's
two filters are a pointwise and a depthwise convolution without padding: over a whole clip that is
the same computation, and `tinykit compile --stream` finds the memory of the paper by itself.
"""

from __future__ import annotations

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.models import _blocks
from tinykit.train.backend import keras

MEMORY = 10  # frames
FEATURES = {"kind": "log_mel"}

SIZES = {"s": (96, 32, 4), "m": (160, 48, 4)}  # units, values between layers, layers

layers = keras.layers


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size`, `width` and `dropout`.

    Raises
    ------
    ConfigError
        When a clip is shorter than the memories one after the other.
    """
    units, between, count = _blocks.size_of(SIZES, config)
    units, between = (_blocks.scaled(c, config.width) for c in (units, between))
    _blocks.require_frames(count * (MEMORY - 1) + 1, spec, "svdf")
    source = _blocks.image(spec)
    x = _blocks.sequence(source)
    for index in range(1, count + 1):
        x = layers.Conv1D(units, 1, use_bias=False, name=f"layer{index}_spectrum")(x)
        x = _blocks.depthwise(x, MEMORY, f"layer{index}_time", padding="valid")
        if index < count:
            x = _blocks.convolution(x, between, 1, f"layer{index}_narrow", relu=False)
    return _blocks.classified(source, x, classes, config)
