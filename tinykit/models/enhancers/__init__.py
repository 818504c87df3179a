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

import difflib
import importlib
import pkgutil
from typing import Any

from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Model
from tinykit.errors import ConfigError


def names() -> list[str]:
    """Return the known architectures, sorted; imports none of them."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if not name.startswith("_") and name != "streaming")


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
            f"[model] unknown enhancer {name!r}",
            (f"did you mean `{near[0]}`? " if near else "") + "known: " + ", ".join(names()),
        )
    return importlib.import_module(f"{__name__}.{name}")


def build(config: Model, spec: StftSpec) -> Any:
    """Return the untrained `keras.Model` that `[model]` describes.

    Raises
    ------
    ConfigError
        When there is no such architecture, or it refuses its size or the bands.
    """
    architecture = module(config.architecture)
    if config.size and config.size not in architecture.SIZES:
        raise ConfigError(
            f"[model] {config.architecture} has no size {config.size!r}",
            "sizes: " + ", ".join(architecture.SIZES),
        )
    return architecture.build(spec, config)
