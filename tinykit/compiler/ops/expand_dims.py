"""EXPAND_DIMS: the same bytes under another shape."""

from __future__ import annotations

from tinykit.compiler.ops import _moves


class _Rule(_moves.ViewRule):
    kind, builtin = "expand_dims", "EXPAND_DIMS"


RULE = _Rule()
