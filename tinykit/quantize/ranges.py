"""Calibration: the real range of every activation, from the float model over clips.

Some values must have one quantization: what an operation only moves, what is put side by side, and
what steps of a recurrence are tied. Their range is that of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.quantize import floating
from tinykit.quantize.nodes import INPUT, Concat, Keep, Node, Pool, Reshape, Slice

BATCH = 50  # clips at a time: windows of a convolution are copies

_MOVES = (Pool, Reshape, Slice, Concat, Keep)
"""Operations whose output has the quantization of every input."""


@dataclass(frozen=True)
class Range:
    """Smallest and largest value; it contains 0.

    Nodes of the same `group` have one quantization; `INPUT` is that of the model's input.
    """

    low: float
    high: float
    group: int


def calibrate(nodes: Sequence[Node], x: NDArray[np.float32]) -> list[Range]:
    """Return the range of each node's output over the clips `x`, (N, *input shape)."""
    parts = (x[start : start + BATCH] for start in range(0, len(x), BATCH))
    return _measure(nodes, (floating.run(nodes, part) for part in parts))


def calibrate_stream(nodes: Sequence[Node], x: NDArray[np.float32]) -> list[Range]:
    """Return the range of each node's output over recordings `x`, (N, frames, *input shape).

    A frame is one inference; the states go on through a recording.
    """
    states: floating.States = {}
    frames = (np.ascontiguousarray(x[:, number]) for number in range(x.shape[1]))
    return _measure(nodes, (floating.run(nodes, frame, states) for frame in frames))


def _measure(
    nodes: Sequence[Node], inferences: Iterable[Iterable[NDArray[np.float32]]]
) -> list[Range]:
    low, high = np.zeros(len(nodes)), np.zeros(len(nodes))
    for inference in inferences:
        for index, value in enumerate(inference):
            low[index] = min(low[index], value.min())
            high[index] = max(high[index], value.max())
    member = groups(nodes)
    for index, leader in enumerate(member):
        if leader != INPUT:
            low[leader], high[leader] = min(low[leader], low[index]), max(high[leader], high[index])
    return [Range(float(low[leader]), float(high[leader]), leader) for leader in member]


def groups(nodes: Sequence[Node]) -> list[int]:
    """Return for each node the first node of its group; `INPUT` where it is the model's input."""
    leader = {INPUT: INPUT} | {number: number for number in range(len(nodes))}
    tied: dict[str, int] = {}

    def find(number: int) -> int:
        while leader[number] != number:
            number = leader[number]
        return number

    def join(first: int, second: int) -> None:
        low, high = sorted((find(first), find(second)))
        leader[high] = low

    for number, node in enumerate(nodes):
        if isinstance(node, _MOVES):
            for key in node.inputs:
                join(number, key)
        if node.tie:
            join(number, tied.setdefault(node.tie, number))
    return [find(number) for number in range(len(nodes))]
