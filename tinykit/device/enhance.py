"""Prove that a device enhances audio as its twin does, sample for sample, and measure it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.device.client import Client
from tinykit.device.replies import EnhanceCost, Hello
from tinykit.device.result import most
from tinykit.errors import DeviceError
from tinykit.progress import Progress, silent

STEPS = ("analysis", "model", "synthesis")
"""What a hop consists of."""


@dataclass
class EnhancerResult:
    """What the device made of recordings, and what it cost, in the board's unit."""

    recordings: int = 0
    samples: int = 0
    mismatches: int = 0  # recordings with a sample that differs
    first_mismatch: str | None = None
    hops: int = 0
    spent: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    most_per_hop: float = 0.0
    stack_bytes: int | None = 0
    enhanced: list[NDArray[np.int16]] = field(default_factory=list, repr=False)

    @property
    def exact(self) -> bool:
        """Whether every sample was the twin's."""
        return self.mismatches == 0

    @property
    def per_hop(self) -> dict[str, float]:
        """Mean cost of each step of a hop."""
        return {step: spent / self.hops if self.hops else 0.0 for step, spent in self.spent.items()}

    def add_cost(self, cost: EnhanceCost, hello: Hello) -> None:
        """Add what one recording cost, without what measuring costs."""
        self.hops += cost.hops
        for step in STEPS:
            ticks = getattr(cost, f"{step}_ticks")
            self.spent[step] += hello.cost(ticks, cost.overhead_ticks * cost.hops)
        whole = hello.cost(cost.most_ticks, cost.overhead_ticks * len(STEPS))
        self.most_per_hop = max(self.most_per_hop, whole)
        self.stack_bytes = most(self.stack_bytes, cost.stack_bytes)

    def to_json(self, unit: str) -> dict[str, Any]:
        """Return `enhancer` of `device.json`."""
        return {
            "recordings": self.recordings,
            "samples": self.samples,
            "mismatches": self.mismatches,
            "first_mismatch": self.first_mismatch,
            "hops": self.hops,
            f"{unit}_per_hop": self.per_hop,
            f"most_{unit}_per_hop": self.most_per_hop,
            "stack_bytes": self.stack_bytes,
        }


def difference(given: NDArray[np.int16], wanted: NDArray[np.int16]) -> str:
    """Say where (samples,) of the device first differ from as many of the twin; "" where not."""
    wrong = np.flatnonzero(given != wanted)
    if not len(wrong):
        return ""
    at = int(wrong[0])
    return f"sample {at}: the device gave {given[at]}, expected {wanted[at]}"


def validate_enhancer(
    client: Client,
    recordings: Sequence[NDArray[np.int16]],
    expected: Sequence[NDArray[np.int16]],
    progress: Progress = silent,
) -> EnhancerResult:
    """Let the device enhance recordings, and compare every sample with the twin's.

    Parameters
    ----------
    recordings, expected : sequences of int16 (samples,)
        What the device hears, and what its twin makes of it, as late as the device.

    Raises
    ------
    DeviceError
        When the firmware does not enhance, or misbehaves; says how many recordings were done.
    """
    result = EnhancerResult()
    total = sum(map(len, recordings))
    for noisy, wanted in zip(recordings, expected, strict=True):
        progress("enhance", result.samples, total)
        try:
            given = client.enhance(noisy)
            result.add_cost(client.enhance_cost(), client.info)
        except DeviceError as reason:
            done = f" (after {result.recordings} of {len(recordings)} recordings)"
            raise type(reason)(reason.message + done, reason.hint) from None
        result.enhanced.append(given)
        differs = difference(given, wanted)
        if differs:
            result.mismatches += 1
            first = f"recording {result.recordings}, {differs}"
            result.first_mismatch = result.first_mismatch or first
        result.recordings += 1
        result.samples += len(noisy)
    progress("enhance", total, total)
    return result
