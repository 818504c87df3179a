"""Calibration: the real range of every activation, from the float model over clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.quantize import floating
from tinykit.quantize.fold import Node

BATCH = 50  # clips at a time: windows of a convolution are copies


@dataclass(frozen=True)
class Range:
    """Smallest and largest value; it contains 0."""

    low: float
    high: float


def calibrate(nodes: Sequence[Node], x: NDArray[np.float32]) -> list[Range]:
    """Return the range of each node's output over the clips `x`, (N, *input shape)."""
    low, high = np.zeros(len(nodes)), np.zeros(len(nodes))
    for start in range(0, len(x), BATCH):
        for index, value in enumerate(floating.run(nodes, x[start : start + BATCH])):
            low[index] = min(low[index], value.min())
            high[index] = max(high[index], value.max())
    return [Range(*pair) for pair in zip(low.tolist(), high.tolist(), strict=True)]
