"""An enhancer that decides, whenever it runs, how long it can do without running again.

Skip RNN (Campos et al., arXiv 1708.06834): beside the gains the network gives an increment d, from
0 to 1. A hop's work is done when the sum u of the increments since the last one is at least 1/2::

    update = u >= 1/2;   u = d when updated, else u + d

In between, the gains and all states stay as they are, and d with them: a hop that is skipped costs
one sum on the device. While training, the step from u to `update` has the gradient of the identity,
and every update has its price.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinykit.train.backend import keras
from tinykit.train.carry import scan

ops, layers = keras.ops, keras.layers
DUE = 0.5
SMALLEST = 1 / 256  # increment: the device sits out no more than 127 hops
EAGER = 2.0  # logit of the first increments: every hop is an update


def gated(model: keras.Model, reads: str) -> keras.Model:
    """Return the enhancer with the increment as one more output channel; it shares all weights.

    Parameters
    ----------
    model : keras.Model
        Features (N, frames, bands) -> gains (N, frames, bands).
    reads : str
        Name of the layer whose input the increment is computed from, the one that makes the gains.

    Returns
    -------
    keras.Model
        Features (N, frames, bands) -> (N, frames, bands + 1), the increment last.
    """
    hidden = model.get_layer(reads).input
    if len(hidden.shape) == 4:  # (N, frames, positions, channels)
        size = hidden.shape[2] * hidden.shape[3]
        hidden = layers.Reshape((-1, size), name="skip_input")(hidden)
    increment = layers.Dense(
        1, bias_initializer=keras.initializers.Constant(EAGER), name="skip_increment"
    )(hidden)
    increment = layers.Activation("sigmoid", name="skip")(increment)
    both = layers.Concatenate(name="gains_and_skip")([model.outputs[0], increment])
    return keras.Model(model.inputs[0], both, name=model.name)


class Skipping(keras.Model):
    """A gated enhancer over sequences, skipping as on the device: (N, frames, bands) -> the gains.

    Its losses have `price` times the share of hops that are updates. Normalizations stay as they
    are: an enhancer is trained before it learns to skip.

    Parameters
    ----------
    frame : keras.Model
        The enhancer as it is streamed, of [features (N, 1, bands), *states] to
        [gains and increment (N, 1, bands + 1), *states].
    price : float
        Of an update in every hop, in units of the loss.
    """

    def __init__(self, frame: keras.Model, price: float) -> None:
        super().__init__(name=f"{frame.name}_skipping")
        self.frame = frame
        self.price = self.add_weight(
            (), initializer=keras.initializers.Constant(price), trainable=False, name="price"
        )

    def get_config(self) -> dict[str, Any]:
        """Return what identifies the network to be trained; it is never loaded from it."""
        return {"frame": self.frame.get_config()}

    def call(self, x: Any) -> Any:
        """Return the gains of each frame."""
        gains, updates = self.run(x)
        self.add_loss(self.price * ops.mean(updates))
        return gains

    def run(self, x: Any) -> tuple[Any, Any]:
        """Return the gains (N, frames, bands), and 1 where a hop was an update, (N, frames)."""
        bands, batch = x.shape[-1], ops.shape(x)[0]
        weights = [variable.value for variable in self.frame.trainable_variables]
        others = [variable.value for variable in self.frame.non_trainable_variables]

        shapes = [(), (), (bands + 1,), *(state.shape[1:] for state in self.frame.inputs[1:])]

        def step(before: list[Any], row: Any) -> list[Any]:
            due, _, last, *states = before
            update = _through(due)
            (new, *after), _ = self.frame.stateless_call(
                weights, others, [row[:, None], *states], training=False
            )
            last = _mixed(update, new[:, 0], last)
            states = [_mixed(update, a, b) for a, b in zip(after, states, strict=True)]
            increment = ops.maximum(last[:, bands], SMALLEST)
            due = update * increment + (1 - update) * ops.minimum(due + increment, 1.0)
            return [due, update, last, *states]

        start = [ops.ones((batch,)), *(ops.zeros((batch, *shape)) for shape in shapes[1:])]
        _, updates, given, *_ = scan(step, start, x, shapes)
        return given[..., :bands], updates

    def share_of_updates(self, batches: Sequence[Any]) -> float:
        """Return the share of hops whose work is done, over features (N, frames, bands)."""
        shares = [ops.convert_to_numpy(self.run(x)[1]).mean() for x in batches]
        return float(np.mean(shares))


def _through(due: Any) -> Any:
    """Return 1 where it is at least DUE, else 0, with the gradient of the identity."""
    return due + ops.stop_gradient(ops.cast(due >= DUE, due.dtype) - due)


def _mixed(update: Any, new: Any, old: Any) -> Any:
    shaped = ops.reshape(update, (-1, *[1] * (len(new.shape) - 1)))
    return shaped * new + (1 - shaped) * old
