"""Convolutional-recurrent mask: few weights, used at many places of the spectrum.

A convolution over three frames and one over bands lead to a quarter of the positions. There, twice,
a GRU that all positions share follows what changes in time; between the two a GRU over the whole
spectrum tells each position what goes on elsewhere. Then back to the bands, by rearranging
channels, with what the first convolution saw (Tan and Wang, 2018).
"""

from __future__ import annotations

from typing import Any

from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Model
from tinykit.errors import ConfigError
from tinykit.models._blocks import scaled, size_of
from tinykit.models.enhancers import _blocks
from tinykit.models.enhancers._layers import Gru, History
from tinykit.train.backend import keras

SPECTRUM = {"bands": 64}

# channels after the first and the second convolution, of a position's view, units of the whole
SIZES = {"xs": (8, 16, 4, 40), "s": (16, 24, 4, 64)}
FRAMES = 3  # that the first convolution sees

layers = keras.layers


def build(spec: StftSpec, config: Model) -> keras.Model:
    """Return the untrained network; `config` gives `size` and `width`.

    Raises
    ------
    ConfigError
        When the bands cannot be halved twice.
    """
    if spec.bands % 4:
        raise ConfigError(
            f"[model] crn halves the bands twice, there are {spec.bands}", "bands = 64"
        )
    first, channels, view, units = (scaled(c, config.width) for c in size_of(SIZES, config))
    half, quarter = spec.bands // 2, spec.bands // 4
    features = _blocks.source(spec)
    x = layers.Reshape((-1, spec.bands, 1), name="bands")(features)
    x = History(FRAMES, name="history")(x)
    skip = _blocks.convolution(x, first, 5, "conv_1", stride=2)
    x = _blocks.convolution(skip, channels, 3, "conv_2", stride=2)
    x = _in_time(x, "time_1")
    whole = _blocks.positions(_blocks.dense(x, view, "view"), 1, "views")
    whole = Gru(units, name="whole")(whole)
    whole = _blocks.dense(whole, quarter * channels // 2, "tell", relu=False)
    x = layers.Concatenate(name="told")([x, _blocks.positions(whole, quarter, "told_each")])
    x = _blocks.dense(x, channels, "listen")
    x = _in_time(x, "time_2")
    x = _blocks.positions(_blocks.dense(x, 2 * first, "up_1"), half, "halves")
    x = layers.Add(name="joined")([x, skip])
    x = _blocks.convolution(x, first, 3, "conv_3")
    x = layers.Dense(2, name="mask")(x)
    return _blocks.gains(features, x, config, spec)


def _in_time(x: Any, name: str) -> Any:
    """Return x with what a GRU at each position, shared by all, makes of it."""
    y = Gru(x.shape[-1], name=name)(x)
    y = _blocks.dense(y, x.shape[-1], f"{name}_out", relu=False)
    return layers.Add(name=f"{name}_sum")([x, y])
