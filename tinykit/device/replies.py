"""What a device says of itself and of its work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.device.wire import CounterUnit, Flag


@dataclass(frozen=True)
class Hello:
    """What runs on the device, in its own words. Sizes in bytes."""

    board: str
    app: str
    build: str
    model_sha256: str
    flags: Flag
    ops: int
    input_bytes: tuple[int, ...]
    output_bytes: tuple[int, ...]
    arena_bytes: int
    state_bytes: int
    scratch_bytes: int
    counter_unit: CounterUnit
    counter_numerator: int
    counter_denominator: int
    frames: int
    width: int

    @property
    def unit(self) -> str:
        """What costs are given in: `instructions` or `us`."""
        return self.counter_unit.name.lower()

    def cost(self, ticks: int, overhead_ticks: int) -> float:
        """Return `ticks` in `unit`, what measuring cost taken off; instructions are whole."""
        net = max(0, ticks - overhead_ticks) * self.counter_numerator
        whole, rest = divmod(net, self.counter_denominator)
        return net / self.counter_denominator if rest else whole


@dataclass(frozen=True)
class Inference:
    """One inference: each output's bytes as int8 (output bytes,), what it cost."""

    outputs: tuple[NDArray[np.int8], ...]
    ticks: int
    overhead_ticks: int
    stack_bytes: int | None  # None: the board cannot tell


@dataclass(frozen=True)
class FeaturesCost:
    """What the front end cost since the last `reset`, over `calls` measured calls."""

    rows: int
    ticks: int
    calls: int
    overhead_ticks: int
    stack_bytes: int | None


@dataclass(frozen=True)
class EnhanceCost:
    """What enhancing cost since the last `reset`: ticks of all hops, and the most of one hop.

    Each hop is three measurements, and each has `overhead_ticks` too many.
    """

    hops: int
    analysis_ticks: int
    model_ticks: int
    synthesis_ticks: int
    most_ticks: int
    overhead_ticks: int
    stack_bytes: int | None


@dataclass(frozen=True)
class OpTrace:
    """What one op of the last inference gave (all its outputs) and cost; trace builds only.

    `op` is its number in the .tflite.
    """

    op: int
    bytes: int
    crc: int
    ticks: int
    overhead_ticks: int
