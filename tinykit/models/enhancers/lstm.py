"""LSTM mask: two long short-term memories, two dense layers, the baseline of TinyLSTMs.

Fedorov et al. (arXiv 2005.11138): 128 mel bands, 2 x 256 units, 2 x 128, a mask. 0.97 M parameters
at size `l`.
"""

from __future__ import annotations

from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Model
from tinykit.models._blocks import scaled, size_of
from tinykit.models.enhancers import _blocks
from tinykit.models.enhancers._layers import Lstm
from tinykit.train.backend import keras

SPECTRUM = {"bands": 128}

SIZES = {"s": (64, 64), "m": (128, 96), "l": (256, 128)}  # units of each LSTM, of the dense layer


def build(spec: StftSpec, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size` and `width`."""
    units, hidden = (scaled(c, config.width) for c in size_of(SIZES, config))
    features, x = _blocks.normalized_source(spec)
    x = Lstm(units, name="lstm_1")(x)
    x = Lstm(units, name="lstm_2")(x)
    x = _blocks.dense(x, hidden, "dense")
    x = keras.layers.Dense(spec.bands, name="mask")(x)
    return _blocks.gains(features, x, config, spec)
