"""SUB of two tensors, with broadcasting."""

from __future__ import annotations

from tinykit.compiler.ops import _sum


class _Rule(_sum.SumRule):
    kind, builtin, options = "sub", "SUB", "SubOptions"
    sign = -1


RULE = _Rule()
