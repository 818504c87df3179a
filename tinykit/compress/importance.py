"""How much each channel matters, from the activations over clips and the weights that read them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinykit.compress.channels import Group
from tinykit.quantize import floating
from tinykit.quantize.nodes import Linear, Node

Shares = dict[str, NDArray[np.float64]]
BATCH = 50


def shares(nodes: Sequence[Node], groups: Sequence[Group], x: NDArray[np.float32]) -> Shares:
    """Return for each group what share of the variance its consumer sees is due to each channel.

    A channel that is constant, or that nobody reads, has share 0: the next normalization absorbs
    it. For channel c with activation a over all clips and places, and outgoing weights w, the share
    is Var(a_c) |w_c|^2, normalized to sum 1 (channels taken as independent).

    Parameters
    ----------
    nodes : sequence of Node
        The folded model.
    x : float32 (N, *input shape)
        Clips.
    """
    consumer = {node.name: index for index, node in enumerate(nodes)}
    moments = {group.name: np.zeros((3, group.width)) for group in groups}  # n, sum, squares
    for start in range(0, len(x), BATCH):
        values = list(floating.run(nodes, x[start : start + BATCH]))
        for group in groups:
            rows = values[consumer[group.consumer] - 1].reshape(-1, group.width).astype(np.float64)
            moments[group.name] += [np.full(group.width, len(rows)), rows.sum(0), (rows**2).sum(0)]
    result = {}
    for group in groups:
        count, total, squares = moments[group.name]
        variance = np.maximum(squares / count - (total / count) ** 2, 0)
        score = variance * _outgoing(nodes[consumer[group.consumer]], group)
        result[group.name] = score / max(score.sum(), np.finfo(float).tiny)
    return result


def _outgoing(node: Node, group: Group) -> NDArray[np.float64]:
    """Return the squared norm of the weights that read each channel, float64 (width,)."""
    assert isinstance(node, Linear)
    weights = node.weights.reshape(-1, group.width).astype(np.float64)
    return (weights**2).sum(axis=0)
