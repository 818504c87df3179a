"""REDUCE_MIN over any axes, of one quantization."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ops import _extreme


class _Rule(_extreme.ExtremeRule):
    kind, builtin, extreme = "reduce_min", "REDUCE_MIN", np.min


RULE = _Rule()
