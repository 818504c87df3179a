"""Enhancers, one file per architecture: features of bands in, gains of the same bands out.

An architecture is a module here with

- `SIZES`: its sizes by name, the smallest first;
- `SPECTRUM`: keys of `[spectrum]` with which it is at its best;
- `build(spec, config) -> keras.Model`: (frames, bands) in natural-log units to (frames, bands) from
  0 to 1, causal: a frame's gains depend on it and those before it.

Every layer treats each frame alone, but those of `_layers`, which have a state: `streaming` makes
of any of these models the one that is given a frame and its states at a time.
"""

from __future__ import annotations

from typing import Any

from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Model
from tinykit.models._known import Known

_KNOWN = Known(__name__, __path__, "enhancer", others=frozenset({"streaming"}))
names, module = _KNOWN.names, _KNOWN.module


def build(config: Model, spec: StftSpec) -> Any:
    """Return the untrained `keras.Model` that `[model]` describes.

    Raises
    ------
    ConfigError
        When there is no such architecture, or it refuses its size or the bands.
    """
    return _KNOWN.of(config).build(spec, config)
