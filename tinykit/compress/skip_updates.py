"""An enhancer that decides, hop by hop, whether what is new is worth running for.

After Skip RNN (Campos et al., arXiv 1708.06834): a hop's work is done when a sum u is at least 1/2.
Beside the gains the network gives the increment d of that paper, by which every hop brings the next
update nearer, and a sensitivity k to what has changed since the last one, both from 0 to 1::

    change = mean over bands of (rise + fall / 2) of the features, in steps of the int8 input
    u = waited + k * change / 8;   update = u >= 1/2;   waited = d when updated, else waited + d

In between, the gains and all states stay as they are, and d and k with them: a hop that is skipped
costs one look at its features on the device. While training, the step from u to `update` has the
gradient of the identity, and every update has its price.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.enhancer import GATE
from tinykit.compress.technique import Report, Training
from tinykit.models.enhancers.streaming import copy_weights, streamed
from tinykit.progress import Progress, silent
from tinykit.train.backend import keras
from tinykit.train.carry import scan

ops, layers = keras.ops, keras.layers
DUE = 0.5
SMALLEST = 1 / 256  # increment: the device sits out no more than 127 hops
CHANGE = 8.0  # steps of the input: so much change counts as much as the sensitivity
FALL = 0.5  # of a rise: what begins matters more than what ends
START = (-5.0, 0.3)  # the gate's first logits: a change of 7 steps is worth an update
FIRST_PRICE, PACE = 0.05, 1.2  # of an update in every hop, in units of the loss; epoch by epoch
REACH, HALVINGS = 8.0, 12  # how far the gate may be shifted in the end (logits), how finely
BATCH = 16  # recordings at a time when nothing is trained


def teach(
    model: keras.Model,
    training: Training,
    features: NDArray[np.float32],
    share: float,
    scale: float,
    epochs: int,
    learning_rate: float,
    progress: Progress = silent,
    checkpoint: Path | None = None,
) -> tuple[keras.Model, Report]:
    """Return an enhancer that does without an inference in a share of the hops, and what was done.

    The price of an update follows the share of updates: dearer after an epoch with too many of
    them, cheaper after one with too few. What is missing to the share in the end, a shift of the
    gate makes up for.

    Parameters
    ----------
    model : keras.Model
        Features (N, frames, bands) -> gains (N, frames, bands); it is left as it is.
    training : Training
        The task: how a model is trained and judged.
    features : float32 (N, frames, bands)
        What shares are measured on: not what is trained on.
    share : float
        Of the hops, wanted without an inference: above 0, below 1.
    scale : float
        A step of the int8 features, `StftSpec.scale`.
    checkpoint : Path, optional
        File from which an interrupted call goes on; the caller removes it.

    Returns
    -------
    keras.Model
        Of `gated`.
    dict
        The figures of `training` before and after, and the share of the hops that are updates.
    """
    before = training.validate(model)
    both = gated(_copy(model))
    skipping = Skipping(streamed(both), FIRST_PRICE, scale)
    updates = Updates(skipping)

    def steer() -> bool:
        dearer = updates.share(features) > 1 - share
        price = float(ops.convert_to_numpy(skipping.price))
        skipping.price.assign(price * (PACE if dearer else 1 / PACE))
        return False

    training.fit(skipping, epochs, learning_rate, "skip", progress, checkpoint, steer)
    left = _settle(updates, features, 1 - share)
    copy_weights(skipping.frame, both)
    report = {"before": before, "after": training.validate(skipping), "updates": left}
    return _copy(both), report


def _copy(model: keras.Model) -> keras.Model:
    """Return a model with layers of its own: what is streamed has its layers in two networks.

    It is not compiled, as a clone would be: Keras cannot read a loss of ours from its config.
    """
    copy = keras.Model.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def _settle(updates: Updates, features: NDArray[np.float32], most: float) -> float:
    """Shift the gate until at most this share of the hops are updates; return their share."""
    bias = updates.of.frame.get_layer("skip_gate").bias
    learned = ops.convert_to_numpy(bias)
    low, high = -REACH, REACH

    def shifted(shift: float) -> float:
        bias.assign(learned + shift)
        return updates.share(features)

    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if shifted(middle) > most else (middle, high)
    return shifted(low)


def as_heard(model: keras.Model, scale: float) -> keras.Model:
    """Return what the device computes over sequences, (N, frames, bands) -> the gains.

    An enhancer of `gated` skips; any other is that network already.
    """
    if model.outputs[0].shape[-1] == model.inputs[0].shape[-1]:
        return model
    return Skipping(streamed(_copy(model)), 0.0, scale)


def gated(model: keras.Model, reads: str = "mask") -> keras.Model:
    """Return the enhancer with increment and sensitivity as more channels; it shares all weights.

    Parameters
    ----------
    model : keras.Model
        Features (N, frames, bands) -> gains (N, frames, bands).
    reads : str
        Name of the layer whose input the gate is computed from, the one that makes the gains.

    Returns
    -------
    keras.Model
        Features (N, frames, bands) -> (N, frames, bands + 2), increment and sensitivity last. They
        begin as constants: until it is trained, the gate is a threshold of change.
    """
    hidden = model.get_layer(reads).input
    if len(hidden.shape) == 4:  # (N, frames, positions, channels)
        size = hidden.shape[2] * hidden.shape[3]
        hidden = layers.Reshape((-1, size), name="skip_input")(hidden)
    gate = layers.Dense(GATE, kernel_initializer="zeros", name="skip_gate")
    raw = gate(hidden)
    gate.bias.assign(START)
    gate = layers.Activation("sigmoid", name="skip")(raw)
    both = layers.Concatenate(name="gains_and_skip")([model.outputs[0], gate])
    return keras.Model(model.inputs[0], both, name=model.name)


class Skipping(keras.Model):
    """A gated enhancer over sequences, skipping as on the device: (N, frames, bands) -> the gains.

    Its losses have `price` times the share of hops that are updates. Normalizations stay as they
    are: an enhancer is trained before it learns to skip.

    Parameters
    ----------
    frame : keras.Model
        The enhancer as it is streamed, of [features (N, 1, bands), *states] to
        [gains, increment and sensitivity (N, 1, bands + 2), *states].
    price : float
        Of an update in every hop, in units of the loss.
    scale : float
        A step of the int8 features, `StftSpec.scale`.
    """

    def __init__(self, frame: keras.Model, price: float, scale: float) -> None:
        super().__init__(name=f"{frame.name}_skipping")
        self.frame, self.scale = frame, scale
        self.price = self.add_weight(
            (), initializer=keras.initializers.Constant(price), trainable=False, name="price"
        )

    def get_config(self) -> dict[str, Any]:
        """Return what identifies the network to be trained; it is never loaded from it."""
        return {"frame": self.frame.get_config(), "scale": self.scale}

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
        states = [state.shape[1:] for state in self.frame.inputs[1:]]
        shapes = [(), (), (bands,), (bands + GATE,), *states]

        def step(before: list[Any], row: Any) -> list[Any]:
            waited, _, seen, last, *states = before
            urge = last[:, bands + 1] * self._change(row, seen) / CHANGE
            update = _through(ops.minimum(waited + urge, 1.0))
            (new, *after), _ = self.frame.stateless_call(
                weights, others, [row[:, None], *states], training=False
            )
            last = _mixed(update, new[:, 0], last)
            states = [_mixed(update, a, b) for a, b in zip(after, states, strict=True)]
            waited = (1 - update) * waited + ops.maximum(last[:, bands], SMALLEST)
            return [waited, update, _mixed(update, row, seen), last, *states]

        start = [ops.ones((batch,)), *(ops.zeros((batch, *shape)) for shape in shapes[1:])]
        _, updates, _, given, *_ = scan(step, start, x, shapes)
        return given[..., :bands], updates

    def _change(self, row: Any, seen: Any) -> Any:
        """Return how far features (N, bands) are from those of the last update, (N,)."""
        rise = (row - seen) / self.scale
        return ops.mean(ops.relu(rise) + FALL * ops.relu(-rise), axis=-1)


class Updates(keras.Model):
    """Where a `Skipping` enhancer runs: features (N, frames, bands) -> 1 or 0, (N, frames)."""

    def __init__(self, of: Skipping) -> None:
        super().__init__(name=f"{of.name}_updates")
        self.of = of
        self.built = of.built = True  # all weights are there

    def call(self, x: Any) -> Any:
        """Return 1 where a hop is an update."""
        return self.of.run(x)[1]

    def share(self, features: NDArray[np.float32]) -> float:
        """Return the share of hops that are updates."""
        parts = [features[first : first + BATCH] for first in range(0, len(features), BATCH)]
        return float(np.mean(np.concatenate([self.predict_on_batch(part) for part in parts])))


def _through(due: Any) -> Any:
    """Return 1 where it is at least DUE, else 0, with the gradient of the identity."""
    return due + ops.stop_gradient(ops.cast(due >= DUE, due.dtype) - due)


def _mixed(update: Any, new: Any, old: Any) -> Any:
    shaped = ops.reshape(update, (-1, *[1] * (len(new.shape) - 1)))
    return shaped * new + (1 - shaped) * old
