"""A network whose hidden units live while the norm of their weights is above a learned threshold.

Each layer has one threshold. The mask of a unit is 1 or 0, its gradient that of a sigmoid (straight
through): the loss says which units it wants back, and the penalty, the cost that is over the
limits, pushes the thresholds up. Learned threshold pruning (Azarian et al., arXiv 2003.00075) of
groups, as in TinyLSTMs (Fedorov et al., arXiv 2005.11138).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.compress import units
from tinykit.search.budget import METRICS, Cost, Limits
from tinykit.train.backend import keras

ops = keras.ops
TEMPERATURE = 0.1  # of the sigmoid, in mean norms of the layer
PACE = 5.0  # by how many learning rates of Adam a threshold moves at most in a step
MARGIN = 1e-3  # of the thresholds below the smallest norm, at first
BYTES_PER_UNIT = 8  # of RAM: its state, cell and activations; what it lacks `anchor` adds


class Thresholded(keras.Model):
    """`model` with a mask on every hidden unit, and the penalty among its losses.

    Training changes the weights of `model` itself.

    The penalty is `strength` times the sum, over the limits, of cost / limit - 1 while above zero.
    The cost is estimated from the widths: a weight is a byte and a multiply-accumulate; `anchor`
    makes the estimate right for the widths that were measured last.
    """

    def __init__(self, model: keras.Model, limits: Limits) -> None:
        super().__init__(name=f"{model.name}_thresholded")
        self.network, self.limits = model, limits
        self.axes = units.axes(model)
        self.widths = units.widths(model)
        self.thresholds = self.add_weight((len(self.widths),), initializer="zeros", name="levels")
        least = [margin.min() - MARGIN for margin in self.margins().values()]
        self.thresholds.assign(np.array(least) / PACE)  # below the smallest norm: nothing goes yet
        self.strength = self.add_weight((), initializer="zeros", trainable=False, name="strength")
        self.unseen = self.add_weight(  # cost that the estimate lacks, in limits
            (len(METRICS),), initializer="zeros", trainable=False, name="unseen"
        )

    def get_config(self) -> dict[str, Any]:
        """Return what identifies the network to be trained; it is never loaded from it."""
        limits = {metric: limit.value for metric, limit in self.limits.items()}
        return {"network": self.network.get_config(), "limits": limits}

    def call(self, x: Any, training: bool = False) -> Any:
        """Return what the network gives without the units whose mask is 0."""
        masks = {name: _step(margin) for name, margin in self._margins().items()}
        excess = self._excess({name: ops.sum(mask) for name, mask in masks.items()})
        self.add_loss(self.strength * ops.sum(ops.relu(excess)))
        values = {id(axis.weight): axis.masked(axis.weight.value, masks) for axis in self.axes}
        weights = [values.get(id(v), v.value) for v in self.network.trainable_variables]
        others = [v.value for v in self.network.non_trainable_variables]
        output, after = self.network.stateless_call(weights, others, x, training=training)
        if training:  # moving averages of a normalization
            for variable, value in zip(self.network.non_trainable_variables, after, strict=True):
                variable.assign(value)
        return output

    def anchor(self, widths: Mapping[str, int], cost: Cost) -> None:
        """Make the estimate right for these widths, whose cost was measured."""
        self.unseen.assign(np.zeros(len(METRICS)))
        estimated = np.asarray(ops.convert_to_numpy(self._excess(widths)))
        measured = [
            getattr(cost, metric) / self.limits[metric].value - 1 if metric in self.limits else -1
            for metric in METRICS
        ]
        self.unseen.assign(measured - estimated)

    def margins(self) -> dict[str, NDArray[np.float32]]:
        """Return how far the norm of each unit is above its layer's threshold, in mean norms."""
        return {
            name: np.asarray(ops.convert_to_numpy(margin))
            for name, margin in self._margins().items()
        }

    def _margins(self) -> dict[str, Any]:
        found = {}
        for index, name in enumerate(self.widths):
            kernels = (axis for axis in self.axes if axis.kernel)
            squares = [s for axis in kernels for s in axis.squares(axis.weight.value, name)]
            norm = ops.sqrt(sum(squares) + 1e-12)
            threshold = PACE * self.thresholds[index]
            found[name] = norm / ops.stop_gradient(ops.mean(norm)) - threshold
        return found

    def _excess(self, widths: Mapping[str, Any]) -> Any:
        """Return by how much the cost is over each limit, in limits, in the order of METRICS."""
        weights = 0.0
        for axis in self.axes:
            columns = axis.gates * widths.get(axis.columns, axis.units)
            weights = weights + columns * sum(widths.get(name, n) for name, n in axis.rows)
        memory = BYTES_PER_UNIT * sum(widths.values())
        costs = {"flash_bytes": weights, "ram_bytes": memory, "macs": weights}
        over = [
            ops.cast(costs[m] / self.limits[m].value - 1, "float32")
            if m in self.limits
            else ops.full((), -1.0)
            for m in METRICS
        ]
        return ops.stack(over) + self.unseen


def _step(margin: Any) -> Any:
    """Return 1 where `margin` is not below zero, else 0; with the gradient of a sigmoid."""
    soft = ops.sigmoid(margin / TEMPERATURE)
    return soft + ops.stop_gradient(ops.cast(margin >= 0, soft.dtype) - soft)
