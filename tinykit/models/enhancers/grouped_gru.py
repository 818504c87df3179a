"""Grouped GRU: recurrent matrices of independent blocks, mixed by dense layers between them.

A block-diagonal recurrence of n blocks has an n-th of the weights (Gao et al., 2018; Tan and Wang,
2020).
"""

from __future__ import annotations

from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Model
from tinykit.models._blocks import scaled, size_of
from tinykit.models.enhancers import _blocks
from tinykit.models.enhancers._layers import Gru
from tinykit.train.backend import keras

SPECTRUM = {"bands": 64}

SIZES = {"s": (4, 24), "m": (4, 32)}  # blocks, units of each


def build(spec: StftSpec, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size` and `width`."""
    blocks, units = size_of(SIZES, config)
    units = scaled(units, config.width)
    features, x = _blocks.normalized_source(spec)
    for number in (1, 2):
        x = _blocks.dense(x, blocks * units, f"mix_{number}")
        x = _blocks.positions(x, blocks, f"blocks_{number}")
        x = Gru(units, shared=False, name=f"gru_{number}")(x)
        x = _blocks.positions(x, 1, f"joined_{number}")
    x = keras.layers.Dense(spec.bands, name="mask")(x)
    return _blocks.gains(features, x, config, spec)
