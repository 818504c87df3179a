"""Keras models, one file per architecture, found by discovery.

An architecture is a module here with

- `SIZES`: its sizes by name, the smallest first; what a size is made of is the module's own affair;
- `FEATURES`: keys of `[features]` with which it is at its best;
- `build(spec, classes, config) -> keras.Model`: input (frames, width, 1) in the real units of the
  front end, output one logit per class.

Models are made of layers that `tinykit.quantize.fold` knows.
"""

from __future__ import annotations

from typing import Any

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.errors import ConfigError
from tinykit.models._known import Known

_FOR_CHAINS = ("channels", "blocks")
"""Keys that only an architecture which names them in `KEYS` has."""


_KNOWN = Known(__name__, __path__, "architecture")
names, module = _KNOWN.names, _KNOWN.module


def build(config: Model, spec: FeatureSpec, classes: int) -> Any:
    """Return the untrained `keras.Model` that `[model]` describes.

    Raises
    ------
    ConfigError
        When there is no such architecture, or it refuses its size, widths or the features.
    """
    architecture = _KNOWN.of(config)
    name, sizes = config.architecture, architecture.SIZES
    for key in _FOR_CHAINS:
        if getattr(config, key) is not None and key not in getattr(architecture, "KEYS", ()):
            raise ConfigError(
                f"[model] {name} has no key `{key}`",
                f"it takes size ({', '.join(sizes)}), width and dropout",
            )
    return architecture.build(spec, classes, config)
