"""Architectures found by discovery: the modules of a package, by their names."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tinykit.config import Model
from tinykit.errors import ConfigError


@dataclass(frozen=True)
class Known:
    """The modules of `package` that are architectures.

    what : what one is called in an error.
    others : modules that are none. Names that start with `_` are none either, nor are packages.
    """

    package: str
    path: Iterable[str]
    what: str
    others: frozenset[str] = frozenset()

    def names(self) -> list[str]:
        """Return the known architectures, sorted; imports none of them."""
        found = (one.name for one in pkgutil.iter_modules(self.path) if not one.ispkg)
        return sorted(n for n in found if not n.startswith("_") and n not in self.others)

    def module(self, name: str) -> Any:
        """Return the module of an architecture.

        Raises
        ------
        ConfigError
            When there is no such architecture.
        """
        known = self.names()
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise ConfigError(
                f"[model] unknown {self.what} {name!r}",
                (f"did you mean `{near[0]}`? " if near else "") + "known: " + ", ".join(known),
            )
        return importlib.import_module(f"{self.package}.{name}")

    def of(self, config: Model) -> Any:
        """Return the module that `[model]` names, which has the size that it asks for.

        Raises
        ------
        ConfigError
            When there is no such architecture or size.
        """
        found = self.module(config.architecture)
        if config.size and config.size not in found.SIZES:
            raise ConfigError(
                f"[model] {config.architecture} has no size {config.size!r}",
                "sizes: " + ", ".join(found.SIZES),
            )
        return found
