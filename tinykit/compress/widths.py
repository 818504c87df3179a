"""In which order channels go: paths from the whole network to the smallest one.

Each step of `by_importance` takes a few of the least important channels from one group: the group
that gives most relief in the limits still exceeded for the least importance lost. `evenly` keeps
all groups equally wide: layers of one shape share their code, which in a small network saves more
flash than weights do. The estimates here only choose the direction; whether a point on a path keeps
its limits is measured exactly, by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinykit.compress.channels import Group
from tinykit.compress.importance import Shares
from tinykit.quantize.nodes import Linear, Node
from tinykit.search.budget import Cost, Limits

STEP = 4  # channels at a time: kernels work on blocks of four
SMALLEST = 4  # channels that a group keeps at least
SHARPNESS = 8  # of the soft maximum over activations that stands for RAM
BYTES_PER_OUTPUT = 12  # flash for bias, multiplier and shift of an output channel

Widths = dict[str, int]
Estimate = dict[str, float]


@dataclass(frozen=True)
class _Size:
    """What one linear operation costs per channel it reads and writes."""

    source: str | None
    target: str | None
    width_in: int
    width_out: int
    weights: int  # per pair of channels, or per channel where depthwise
    places: int  # of the output
    depthwise: bool


def by_importance(
    nodes: Sequence[Node], groups: Sequence[Group], shares: Shares, cost: Cost, limits: Limits
) -> list[Widths]:
    """Return the widths after 0, 1, 2, ... steps; each is as narrow as the one before or narrower.

    Parameters
    ----------
    nodes : sequence of Node
        The folded model.
    cost : Cost
        Of the whole model, measured; it anchors the estimates.
    limits : Limits
        What has to be kept.
    """
    sizes = _sizes(nodes, groups)
    widths = {group.name: group.width for group in groups}
    ranked = {name: np.sort(values) for name, values in shares.items()}
    whole = _estimate(sizes, widths)
    anchor = {  # flash has parts that do not shrink; RAM is proportional to the estimate
        "flash_bytes": (1.0, cost.flash_bytes - whole["flash_bytes"]),
        "ram_bytes": (cost.ram_bytes / whole["ram_bytes"], 0.0),
        "macs": (1.0, 0.0),
    }
    steps = [dict(widths)]
    while True:
        now = _estimate(sizes, widths)
        over = [m for m in limits if now[m] * anchor[m][0] + anchor[m][1] > limits[m].value]
        best, lowest = None, np.inf
        for group in groups:
            narrower = _narrower(widths[group.name])
            if narrower == widths[group.name]:
                continue
            after = _estimate(sizes, {**widths, group.name: narrower})
            relief = sum((now[m] - after[m]) / now[m] for m in over or limits)
            gone = group.width - np.array([widths[group.name], narrower])
            lost = ranked[group.name][gone[0] : gone[1]].sum()
            price = (lost + 1e-9) / max(relief, 1e-12)
            if price < lowest:
                best, lowest = group.name, price
        if best is None:
            return steps
        widths[best] = _narrower(widths[best])
        steps.append(dict(widths))


def evenly(groups: Sequence[Group]) -> list[Widths]:
    """Return the widths when every group is capped at one width, which falls step by step."""
    steps = [{group.name: group.width for group in groups}]
    cap = max(steps[0].values(), default=0)
    while cap > SMALLEST:
        cap = _narrower(cap)
        steps.append({group.name: min(group.width, cap) for group in groups})
    return steps


def _narrower(width: int) -> int:
    """Return the next multiple of STEP below, but not below SMALLEST."""
    return min(width, max((width - 1) // STEP * STEP, SMALLEST))


def _sizes(nodes: Sequence[Node], groups: Sequence[Group]) -> list[_Size]:
    produced = {group.name: group for group in groups}
    consumed = {group.consumer: group for group in groups}
    sizes = []
    current: Group | None = None  # whose channels flow at this point
    for node in nodes:
        if isinstance(node, Linear):
            depthwise = node.kind == "depthwise"
            source = current if depthwise else consumed.get(node.name)
            target = current if depthwise else produced.get(node.name)
            width_out = node.shape[-1]
            width_in = source.width if source else node.weights.size // len(node.bias)
            pairs = width_out if depthwise else width_in * width_out
            sizes.append(
                _Size(
                    source.name if source else None,
                    target.name if target else None,
                    width_in,
                    width_out,
                    node.weights.size // pairs,
                    int(np.prod(node.shape[:-1])),
                    depthwise,
                )
            )
            current = target
    return sizes


def _estimate(sizes: Sequence[_Size], widths: Mapping[str, int]) -> Estimate:
    flash = macs = memory = 0.0
    for size in sizes:
        width_in = widths.get(size.source or "", size.width_in)
        width_out = widths.get(size.target or "", size.width_out)
        weights = size.weights * width_out * (1 if size.depthwise else width_in)
        flash += weights + BYTES_PER_OUTPUT * width_out
        macs += weights * size.places
        memory += float(width_out * size.places) ** SHARPNESS  # most operations run in place
    return {"flash_bytes": flash, "ram_bytes": memory ** (1 / SHARPNESS), "macs": macs}
