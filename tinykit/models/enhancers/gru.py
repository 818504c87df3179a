"""GRU mask: a dense layer, two gated recurrent units, a dense layer; of the size of RNNoise.

After Valin (arXiv 1709.08243), with gains of all bands learned at once.
"""

from __future__ import annotations

from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Model
from tinykit.models._blocks import scaled, size_of
from tinykit.models.enhancers import _blocks
from tinykit.models.enhancers._layers import Gru
from tinykit.train.backend import keras

SPECTRUM = {"bands": 64}

SIZES = {"s": (48, 48), "m": (64, 80)}  # of the dense layer, of each GRU


def build(spec: StftSpec, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size` and `width`."""
    hidden, units = (scaled(c, config.width) for c in size_of(SIZES, config))
    features, x = _blocks.normalized_source(spec)
    x = _blocks.dense(x, hidden, "dense")
    x = Gru(units, name="gru_1")(x)
    both = Gru(units, name="gru_2")(x)
    x = keras.layers.Concatenate(name="both")([x, both])
    x = keras.layers.Dense(spec.bands, name="mask")(x)
    return _blocks.gains(features, x, config, spec)
