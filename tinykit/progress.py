"""How long work tells its caller how far it is. The library never prints: the CLI draws."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with what is being done, how much of it is done, and figures worth showing."""

    def __call__(self, what: str, done: int, total: int, **figures: float) -> None:
        """Report `done` of `total` steps of `what`; `figures` such as `accuracy=0.91`."""


def silent(what: str, done: int, total: int, **figures: float) -> None:
    """Report to nobody."""
