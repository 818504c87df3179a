"""Budgets are hard: over budget is a failed command that says by how much, where, what to try."""

from __future__ import annotations

from typing import Any

from tinykit.errors import BudgetError
from tinykit.project import Project
from tinykit.report.figures import FLASH, RAM, Figure, figures, written
from tinykit.report.manifests import STAGES


def check(project: Project, plan: dict[str, Any], device: dict[str, Any] | None = None) -> None:
    """Hold a plan, and what a device measured, against the limits of `[budget]` and the board.

    Before a device has measured the stack, the compiler's bound on it stands in.

    Raises
    ------
    BudgetError
        When flash, RAM or MACs are over.
    """
    bound = {"stack_bytes": plan.get("stack_bound_bytes")}
    manifests: dict[str, dict[str, Any]] = {name: {} for name in STAGES}
    manifests |= {"plan": plan, "device": device or bound}
    over = [one for one in figures(manifests, project.config.budget, project.board) if one.over]
    if over:
        lines = [f"{one.label} {one.text}, {one.note}; {_where(one, manifests)}" for one in over]
        raise BudgetError("over budget: " + "\n  ".join(lines), _try(over))


def _where(figure: Figure, manifests: dict[str, dict[str, Any]]) -> str:
    """Name what takes the most of it."""
    plan = manifests["plan"]
    if figure.key == "macs":
        most = max(plan["ops"], key=lambda op: op["macs"])
        return f"most: op {most['index']} {most['kind']}, {most['macs']:,}"
    known = plan | manifests["device"]
    parts = FLASH if figure.key == "flash_bytes" else RAM
    sizes = {name: known.get(key) or 0 for name, key in parts.items()}
    listed = ", ".join(f"{name} {size:,} B" for name, size in sizes.items() if size)
    return listed + (f"; {peak(plan)}" if figure.key == "ram_bytes" else "")


def peak(plan: dict[str, Any]) -> str:
    """Name the op at which most of the arena is in use, and what is in it."""

    def top(position: int) -> int:
        return sum(span["bytes"] for span in alive(position)) + ops[position]["scratch_bytes"]

    def alive(position: int) -> list[dict[str, Any]]:
        return [t for t in plan["tensors"] if t["op_first"] <= position <= t["op_last"]]

    ops = plan["ops"]
    if not ops:
        return ""
    worst = max(range(len(ops)), key=top)
    parts = [f"{span['name']} {span['bytes']:,}" for span in alive(worst)]
    if ops[worst]["scratch_bytes"]:
        parts.append(f"scratch {ops[worst]['scratch_bytes']:,}")
    return f"peak at op {ops[worst]['index']} {ops[worst]['kind']} ({' + '.join(parts)})"


_TRY = {
    "flash_bytes": 'fewer channels or blocks in [model], or optimize = "size" in [compile]',
    "ram_bytes": "fewer channels in [model], or fewer mel bins or a longer hop in [features]",
    "macs": "fewer channels or blocks in [model]",
}


def _try(over: list[Figure]) -> str:
    tries = [_TRY[one.key] for one in over]
    more = [f"{one.label} {written(one.value, one.kind)}" for one in over]
    return "\n".join([*dict.fromkeys(tries), f"or a larger [budget]: it needs {', '.join(more)}"])
