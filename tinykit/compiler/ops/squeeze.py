"""SQUEEZE: the same bytes under another shape."""

from __future__ import annotations

from tinykit.compiler.ops import _moves


class _Rule(_moves.ViewRule):
    kind, builtin = "squeeze", "SQUEEZE"


RULE = _Rule()
