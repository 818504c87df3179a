"""Keras models, one file per architecture, found by discovery.

An architecture is a module here with

- `SIZES`: its sizes by name, the smallest first; what a size is made of is the module's own affair;
- `FEATURES`: keys of `[features]` with which it is at its best;
- `build(spec, classes, config) -> keras.Model`: input (frames, width, 1) in the real units of the
  front end, output one logit per class.

Models are made of layers that `tinykit.quantize.fold` knows.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from typing import Any

from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.errors import ConfigError

_FOR_CHAINS = ("channels", "blocks")
"""Keys that only an architecture which names them in `KEYS` has."""


def names() -> list[str]:
    """Return the known architectures, sorted; imports none of them."""
    found = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    return sorted(name for name in found if not name.startswith("_"))


def module(name: str) -> Any:
    """Return the module of an architecture.

    Raises
    ------
    ConfigError
        When there is no such architecture.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        raise ConfigError(
            f"[model] unknown architecture {name!r}",
            (f"did you mean `{near[0]}`? " if near else "") + "known: " + ", ".join(names()),
        )
    return importlib.import_module(f"{__name__}.{name}")


def build(config: Model, spec: FeatureSpec, classes: int) -> Any:
    """Return the untrained `keras.Model` that `[model]` describes.

    Raises
    ------
    ConfigError
        When there is no such architecture, or it refuses its size, widths or the features.
    """
    architecture = module(config.architecture)
    name, sizes = config.architecture, architecture.SIZES
    if config.size and config.size not in sizes:
        raise ConfigError(
            f"[model] {name} has no size {config.size!r}", "sizes: " + ", ".join(sizes)
        )
    for key in _FOR_CHAINS:
        if getattr(config, key) is not None and key not in getattr(architecture, "KEYS", ()):
            raise ConfigError(
                f"[model] {name} has no key `{key}`",
                f"it takes size ({', '.join(sizes)}), width and dropout",
            )
    return architecture.build(spec, classes, config)
