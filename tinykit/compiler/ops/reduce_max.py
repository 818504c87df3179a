"""REDUCE_MAX over any axes, of one quantization."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ops import _extreme


class _Rule(_extreme.ExtremeRule):
    kind, builtin, extreme = "reduce_max", "REDUCE_MAX", np.max


RULE = _Rule()
