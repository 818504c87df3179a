"""What was proven and measured on a device: the content of `device.json`."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.device.replies import Hello
from tinykit.errors import MismatchError


def most(first: int | None, second: int | None) -> int | None:
    """Return the greater of two sizes of the stack; None where the board cannot tell."""
    return None if first is None or second is None else max(first, second)


@dataclass(frozen=True)
class Mismatch:
    """The first byte that differs: in which vector, where, and what was expected."""

    what: str  # "output", "features", or "output from audio"
    vector: int
    index: int
    device: int
    expected: int

    def __str__(self) -> str:
        return (
            f"vector {self.vector}, {self.what}[{self.index}]: the device gave {self.device}, "
            f"expected {self.expected}"
        )


@dataclass(frozen=True)
class Spread:
    """Least, median, mean and greatest of a cost, in the board's unit."""

    least: float
    median: float
    mean: float
    most: float

    @classmethod
    def of(cls, costs: Sequence[float]) -> Spread:
        """Summarize `costs` (at least one)."""
        return cls(min(costs), statistics.median_low(costs), statistics.fmean(costs), max(costs))


@dataclass
class FrontEndResult:
    """What the device's front end gave and cost."""

    clips: int = 0
    mismatches: int = 0  # clips with a row that differs
    per_hop: float = 0.0  # mean over all rows, in the board's unit
    stack_bytes: int | None = 0


@dataclass
class DeviceResult:
    """What was proven and measured on a device."""

    port: str
    hello: Hello
    inputs_tested: int = 0  # feature inputs and audio clips
    mismatches: int = 0  # inputs with an output byte that differs, clips with a row that does
    first_mismatch: Mismatch | None = None
    cost: Spread | None = None
    stack_bytes: int | None = 0  # None: the board cannot tell
    accuracy: float | None = None  # of the device's own outputs, where labels are known
    front_end: FrontEndResult | None = None
    outputs: list[NDArray[np.int8]] = field(default_factory=list, repr=False)

    @property
    def exact(self) -> bool:
        """Whether every compared byte was equal, and at least one was compared."""
        return self.mismatches == 0 and self.inputs_tested > 0

    def count(self, differs: Mismatch | None) -> None:
        """Count one input that was compared."""
        self.inputs_tested += 1
        self.mismatches += differs is not None
        self.first_mismatch = self.first_mismatch or differs

    def require_exact(self) -> None:
        """Raise `MismatchError` unless every compared byte was equal."""
        if not self.exact:
            raise MismatchError(
                f"{self.port}: {self.mismatches} of {self.inputs_tested} inputs differ; "
                f"first: {self.first_mismatch}",
                "a trace build names the first op that differs; another optimize level or compiler "
                "tells whether the compiler is to blame",
            )

    def to_json(self) -> dict[str, Any]:
        """Return the content of `device.json`."""
        unit = self.hello.unit
        result: dict[str, Any] = {
            "board": self.hello.board,
            "port": self.port,
            "exact": self.exact,
            "inputs_tested": self.inputs_tested,
            "mismatches": self.mismatches,
            "first_mismatch": str(self.first_mismatch) if self.first_mismatch else None,
            "unit": unit,
            "stack_bytes": self.stack_bytes,
            "model_sha256": self.hello.model_sha256,
            "firmware": {"app": self.hello.app, "build": self.hello.build},
            "accuracy": self.accuracy,
            "front_end": None,
        }
        if self.cost:
            result |= {
                unit: self.cost.median,
                f"{unit}_min": self.cost.least,
                f"{unit}_mean": self.cost.mean,
                f"{unit}_max": self.cost.most,
            }
        if self.front_end:
            result["front_end"] = {
                "clips": self.front_end.clips,
                "mismatches": self.front_end.mismatches,
                f"{unit}_per_hop": self.front_end.per_hop,
                "stack_bytes": self.front_end.stack_bytes,
            }
        return result
