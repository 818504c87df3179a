"""Pieces of C source text: arrays in columns, initialisers, safe names and comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

_WIDTH = 112
_INDENT = "    "
_NO_BREAK = "\N{NO-BREAK SPACE}"


def identifier(text: str) -> str:
    """Return `text` with everything that a C identifier cannot hold replaced."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)


def comment(text: str, limit: int = 48) -> str:
    """Return `text` so that it can neither end a comment or string nor reach beyond its line."""
    safe = re.sub(r"[^\w .,:;()\[\]<>=+/-]", "_", text, flags=re.ASCII).replace("//", "/")
    return safe if len(safe) <= limit else safe[: limit - 3] + "..."


def shape(dims: Iterable[int]) -> str:
    """Return `[1,25,5,64]`."""
    return "[" + ",".join(str(dim) for dim in dims) + "]"


def array(name: str, data: NDArray[Any], align: int, note: str = "") -> str:
    """Return the definition of a constant array in neat columns, a new line for each row."""
    size = " * ".join(str(dim) for dim in data.shape) or "1"
    head = f"static const {data.dtype.name}_t {name}[{size}] TK_ALIGNED({align}) = {{"
    digits = 2 * data.dtype.itemsize
    form = f"0x{{:0{digits}x}}" if data.dtype.kind == "u" else "{}"  # packed words, or numbers
    texts = [[form.format(int(value)) for value in row] for row in _rows(data)]
    width = max(len(text) for row in texts for text in row)
    per_line = max(1, (_WIDTH - len(_INDENT)) // (width + 2))
    lines = [
        _INDENT + ", ".join(text.rjust(width) for text in row[i : i + per_line]) + ","
        for row in texts
        for i in range(0, len(row), per_line)
    ]
    return "\n".join([head + (f" /* {note} */" if note else ""), *lines, "};"])


def _rows(data: NDArray[Any]) -> NDArray[Any]:
    """Return `data`, of any rank, as rows of its last axis."""
    return data.reshape(-1, data.shape[-1]) if data.ndim else data.reshape(1, 1)


def initialiser(params: Mapping[str, Any]) -> str:
    """Return designated initialisers, wrapped, nested structs each on lines of their own."""
    lines: list[str] = []
    plain: list[str] = []

    def flush() -> None:
        if plain:
            lines.extend(_wrap(", ".join(plain) + ",", 8, 8))
            plain.clear()

    for name, value in params.items():
        if isinstance(value, Mapping):
            flush()
            inner = ", ".join(_field(key, item) for key, item in value.items())
            head = f".{name} = {{".replace(" ", _NO_BREAK)
            lines.extend(_wrap(f"{head}{inner}}},", len(head) + 8, 8))
        else:
            plain.append(_field(name, value))
    flush()
    if len(lines) == 1:
        text = "{" + lines[0].rstrip(",") + "}"
    else:
        body = [line if line.startswith(" ") else " " * 8 + line for line in lines]
        text = "\n".join(["{", *body, _INDENT + "}"])
    return text.replace(_NO_BREAK, " ")


def _field(name: str, value: object) -> str:
    if isinstance(value, tuple):
        value = "{" + ", ".join(map(str, value)) + "}"
    if isinstance(value, Mapping):
        return f".{name} = {{{', '.join(_field(key, item) for key, item in value.items())}}}"
    return f".{name} = {value}".replace(" ", _NO_BREAK)


def call(function: str, arguments: Iterable[str], indent: int) -> str:
    """Return a call that begins at column `indent`, its arguments wrapped below one another."""
    unbroken = [argument.replace(" ", _NO_BREAK) for argument in arguments]
    head = f"{function}(".replace(" ", _NO_BREAK)
    lines = _wrap(f"{head}{', '.join(unbroken)})", len(head) + indent, indent)
    return "\n".join(lines).replace(_NO_BREAK, " ")


def _wrap(text: str, hanging: int, indent: int) -> list[str]:
    lines = textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [lines[0][indent:], *lines[1:]] if lines else []
