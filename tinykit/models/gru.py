"""GRU: a strided convolution over time, then a gated recurrent unit, one dense layer.

As the CRNN of Zhang et al. (arXiv 1711.07128). The recurrence is unrolled in the int8 model: the
stem's stride keeps it to 12 steps.
"""

from __future__ import annotations

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.models import _blocks
from tinykit.train.backend import keras

STEM_KERNEL = 8  # frames
STEM_STRIDE = 4
FEATURES = {"kind": "log_mel"}

SIZES = {"s": (40, 48), "m": (64, 96)}  # channels of the stem, units


def build(spec: FeatureSpec, classes: int, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size`, `width` and `dropout`."""
    stem, units = (_blocks.scaled(c, config.width) for c in _blocks.size_of(SIZES, config))
    source = _blocks.image(spec)
    x = _blocks.sequence(source)
    x = _blocks.convolution(x, stem, STEM_KERNEL, "stem", strides=STEM_STRIDE)
    x = keras.layers.GRU(units, name="gru")(x)
    return _blocks.classified(source, x, classes, config)
