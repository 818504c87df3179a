"""CHAIN, which no file has: elementwise ops carried out element by element, in one loop.

`tinykit.compiler.chaining` makes it where what lies between the ops need not be in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinykit.compiler.ir import Op
from tinykit.compiler.ops import _composed


@dataclass(frozen=True)
class Chain:
    """The ops, in order. All tensors that they read or write have the same number of elements."""

    body: tuple[Op, ...]

    def __str__(self) -> str:
        return f"Chain({_composed.body_text(self.body)})"


class _Rule(_composed.ComposedRule):
    kind = "chain"


RULE = _Rule()
