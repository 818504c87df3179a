"""Keras models, one file per architecture, found by discovery.

An architecture is a module here with `build(spec, classes, config) -> keras.Model`: input
(frames, width, 1) in the real units of the front end, output one logit per class. Models are plain
chains of layers, which compression and quantization can walk.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from typing import Any

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.errors import ConfigError


def names() -> list[str]:
    """Return the known architectures, sorted; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def build(config: Model, spec: FeatureSpec, classes: int) -> Any:
    """Return the untrained `keras.Model` that `[model]` describes.

    Raises
    ------
    ConfigError
        When there is no such architecture or it refuses the widths.
    """
    if config.architecture not in names():
        near = difflib.get_close_matches(config.architecture, names(), n=1)
        raise ConfigError(
            f"[model] unknown architecture {config.architecture!r}",
            (f"did you mean `{near[0]}`? " if near else "") + "known: " + ", ".join(names()),
        )
    module = importlib.import_module(f"{__name__}.{config.architecture}")
    return module.build(spec, classes, config)
