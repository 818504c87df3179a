"""Numbers that change from round to round of a loop, as C: expressions of `i`, or small tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from tinykit.compiler.lower import Varying


class Tables:
    """Numbers that change from round to round of a loop over `i`, as C expressions."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, ...], str] = {}

    @property
    def definitions(self) -> list[str]:
        """Return the arrays that the expressions name."""
        return [
            f"static const {_narrowest(values)} {name}[{len(values)}] = "
            f"{{{', '.join(map(str, values))}}};"
            for values, name in self._names.items()
        ]

    def text(self, number: Varying | None, start: int = 0) -> str:
        """Return `start` plus what changes."""
        if number is None:
            return str(start)
        values = tuple(start + value for value in number.values)
        step = values[1] - values[0]
        if all(b - a == step for a, b in itertools.pairwise(values)):
            moved = f"{'-' if step < 0 else '+'} {abs(step)} * i"
            return f"{values[0]} {moved}" if values[0] else moved.removeprefix("+ ")
        name = self._names.setdefault(values, f"values_{len(self._names) + 1}")
        return f"{name}[i]"

    def texts(self, params: Any) -> Any:
        """Return parameters with expressions for what changes."""
        match params:
            case Mapping():
                return {name: self.texts(value) for name, value in params.items()}
            case tuple():
                return tuple(map(self.texts, params))
            case Varying():
                return self.text(params)
        return params


def _narrowest(values: Iterable[int]) -> str:
    """Return the smallest C type that holds all `values`."""
    reach = max(max(value, -value - 1) for value in values)
    return next(f"int{bits}_t" for bits in (8, 16, 32) if reach < 1 << (bits - 1))
