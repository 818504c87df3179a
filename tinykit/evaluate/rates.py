"""How much a count of rare events says about their rate."""

from __future__ import annotations

import math


def poisson_upper(count: int, confidence: float = 0.95) -> float:
    """Return the largest mean at which `count` events or fewer are not yet improbable.

    One-sided limit of a Poisson count (Garwood 1936): the mean at which the probability of at most
    `count` is ``1 - confidence``. Of no event in t hours: 3.0, so less than 3.0 / t an hour.
    """

    def at_most(mean: float) -> float:
        term = total = math.exp(-mean)
        for k in range(1, count + 1):
            term *= mean / k
            total += term
        return total

    low, high = float(count), count + 10.0 + 5.0 * math.sqrt(count + 1)
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(middle) > 1 - confidence else (low, middle)
    return high
