"""The constant arrays of a generated model: each content once, under the name of its first use."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinykit.compiler import ctext


class ConstantPool:
    """Collects arrays while the calls that name them are written."""

    def __init__(self) -> None:
        self.bytes = 0
        self._definitions: dict[str, str] = {}
        self._names: dict[tuple[str, bytes, int], str] = {}

    def name(self, wanted: str, data: NDArray[Any], align: int = 4) -> str:
        """Return the name of an array that holds `data`: `wanted`, if no equal one is there yet."""
        contents = (data.dtype.str, data.tobytes(), align)
        if contents not in self._names:
            name, count = wanted, 1
            while name in self._definitions:
                count += 1
                name = f"{wanted}_{count}"
            self._names[contents] = name
            self._definitions[name] = ctext.array(name, data, align)
            self.bytes += data.nbytes
        return self._names[contents]

    def definitions(self) -> list[str]:
        """Return the C definitions, in order of first use."""
        return list(self._definitions.values())
