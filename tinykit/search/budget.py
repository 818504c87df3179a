"""Hard limits on flash, RAM and multiply-accumulates, and whether a model keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tinykit.board import Board
from tinykit.config import Budget
from tinykit.errors import BudgetError

Metric = Literal["flash_bytes", "ram_bytes", "macs"]
METRICS: tuple[Metric, ...] = get_args(Metric)


@dataclass(frozen=True)
class Cost:
    """What a model and its runtime take on a core.

    Flash is code and constants; RAM is arena, scratch, state, static variables and stack; macs are
    of one inference.
    """

    flash_bytes: int
    ram_bytes: int
    macs: int
    note: str = ""  # what could not be counted

    def __str__(self) -> str:
        return ", ".join(show(metric, getattr(self, metric)) for metric in METRICS)


@dataclass(frozen=True)
class Limit:
    """The most that a metric may be, and who says so."""

    value: int
    source: str  # "[budget] flash_kib" or "the flash of mps2-an386"


Limits = dict[Metric, Limit]


def limits(budget: Budget, board: Board) -> Limits:
    """Return the limits: the budget's, and where it has none, the board's memory.

    Without a budget there is no limit on macs. The board's memory is more than a model can have:
    the rest of the firmware needs some too, which the linker checks.
    """
    found: Limits = {
        "flash_bytes": Limit(board.memory.flash_bytes, f"the flash of {board.id}"),
        "ram_bytes": Limit(board.memory.ram_bytes, f"the RAM of {board.id}"),
    }
    if budget.flash_kib:
        found["flash_bytes"] = Limit(int(budget.flash_kib * 1024), "[budget] flash_kib")
    if budget.ram_kib:
        found["ram_bytes"] = Limit(int(budget.ram_kib * 1024), "[budget] ram_kib")
    if budget.macs:
        found["macs"] = Limit(budget.macs, "[budget] macs")
    return found


def exceeded(cost: Cost, limits: Limits) -> list[Metric]:
    """Return the metrics in which `cost` is over its limit."""
    return [metric for metric, limit in limits.items() if getattr(cost, metric) > limit.value]


def require(cost: Cost, limits: Limits, what: str, hint: str) -> None:
    """Raise BudgetError, naming each limit and by how much it is missed, unless all hold."""
    over = exceeded(cost, limits)
    if over:
        lines = [
            f"{show(metric, getattr(cost, metric))}, over {limits[metric].source} by "
            f"{getattr(cost, metric) - limits[metric].value:,}"
            for metric in over
        ]
        raise BudgetError(f"{what}: {'; '.join(lines)}", hint)


def show(metric: Metric, value: int) -> str:
    """Return a value with its unit: "45,056 B flash (44.0 KiB)"."""
    if metric == "macs":
        return f"{value:,} MACs"
    return f"{value:,} B {'flash' if metric == 'flash_bytes' else 'RAM'} ({value / 1024:.1f} KiB)"
