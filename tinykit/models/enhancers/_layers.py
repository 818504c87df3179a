"""Layers with a state: over a whole sequence at once, or a frame at a time with the state given.

Sequences are (frames, positions, channels). A layer without a state treats every frame alone, so
these three are all that tells a network over sequences from the same network in a stream.
"""

from __future__ import annotations

from typing import Any

from tinykit.train.backend import keras

ops = keras.ops

CELL_LIMIT = 16.0
"""Of an LSTM: the fused operation's int16 cell in steps of 2^-11 (`quantize.scheme.CELL_SCALE`).
Trained on seconds and run for minutes, a cell without it goes where training never was."""


class Stateful(keras.layers.Layer):
    """What layers with a state share.

    `layer(x)` begins with zeros as its state and returns y; `layer(x, state)` returns y and the
    state after the last frame. States are (batch, *state_shape).
    """

    def state_shape(self) -> tuple[int, ...]:
        """Return the shape of the state, without the batch."""
        raise NotImplementedError

    def run(self, x: Any, state: Any) -> tuple[Any, Any]:
        """Return y and the state after x (batch, frames, positions, channels)."""
        raise NotImplementedError

    def channels(self, depth: int) -> int:
        """Return the channels of y for x of `depth` channels."""
        raise NotImplementedError

    def call(self, x: Any, state: Any = None) -> Any:
        """Return y, and the new state when one is given."""
        if state is not None:
            return self.run(x, state)
        return self.run(x, ops.zeros((ops.shape(x)[0], *self.state_shape()), x.dtype))[0]

    def compute_output_spec(self, x: Any, state: Any = None) -> Any:
        """Say what comes out; nothing is traced for it."""
        y = keras.KerasTensor((*x.shape[:-1], self.channels(x.shape[-1])), x.dtype)
        return y if state is None else (y, keras.KerasTensor(state.shape, state.dtype))


@keras.saving.register_keras_serializable("tinykit")
class History(Stateful):
    """Each frame with the ones before it side by side, the oldest first: a convolution's context.

    (frames, positions, channels) -> (frames, positions, depth * channels); before the first frame
    there are zeros.
    """

    def __init__(self, depth: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.depth = depth

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Remember the shape of a frame."""
        self.frame = _known(shape)

    def state_shape(self) -> tuple[int, ...]:
        """Return (depth - 1, positions, channels): the frames before the next one."""
        return (self.depth - 1, *self.frame)

    def channels(self, depth: int) -> int:
        """Return all channels of all frames that are side by side."""
        return self.depth * depth

    def run(self, x: Any, state: Any) -> tuple[Any, Any]:
        """Return the frames with their history, and the last frames."""
        known = ops.concatenate([state, x], axis=1)
        count = ops.shape(x)[1]
        y = ops.concatenate([known[:, i : i + count] for i in range(self.depth)], axis=-1)
        return y, known[:, count:]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "depth": self.depth}


class _Recurrent(Stateful):
    """A recurrent layer at each of several positions.

    With `shared` all positions have the same weights, else each its own: a recurrence whose
    matrices are block-diagonal.
    """

    GATES: int

    def __init__(self, units: int, shared: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.shared = units, shared

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights: (positions or 1, inputs, gates * units)."""
        self.positions, depth = _known(shape)
        blocks, width = 1 if self.shared else self.positions, self.GATES * self.units
        self.kernel = self.add_weight(
            name="kernel", shape=(blocks, depth, width), initializer=_blocks("glorot_uniform")
        )
        self.recurrent = self.add_weight(
            name="recurrent",
            shape=(blocks, self.units, width),
            initializer=_blocks("orthogonal"),
        )
        self.bias = self.add_weight(name="bias", shape=(blocks, width), initializer="zeros")

    def channels(self, depth: int) -> int:
        """Return the units."""
        return self.units

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "units": self.units, "shared": self.shared}

    def run(self, x: Any, state: Any) -> tuple[Any, Any]:
        """Return the hidden state of each frame, and the last state."""
        driven = ops.moveaxis(_times(x, self.kernel) + self.bias, 1, 0)

        def step(before: Any, drive: Any) -> tuple[Any, Any]:
            after = self.step(before, drive)
            return after, after  # Keras on TensorFlow wants both of one shape

        last, states = ops.scan(step, state, driven)
        return self.hidden(ops.moveaxis(states, 0, 1)), last

    def step(self, state: Any, drive: Any) -> Any:
        """Return the next state; `drive` is what the frame adds to the gates."""
        raise NotImplementedError

    def hidden(self, state: Any) -> Any:
        """Return the part of the state that is the output."""
        return state


@keras.saving.register_keras_serializable("tinykit")
class Gru(_Recurrent):
    """Gated recurrent unit (Cho et al., arXiv 1406.1078) with the reset after the product.

    ``z, r = logistic(W x + U h + b); c = tanh(W x + r * (U h + b') + b); h += (1 - z) * (c - h)``
    """

    GATES = 3  # update z, reset r, candidate c

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights, and b'."""
        super().build(shape)
        blocks = self.bias.shape[0]
        self.reset_bias = self.add_weight(
            name="reset_bias", shape=(blocks, self.units), initializer="zeros"
        )

    def state_shape(self) -> tuple[int, ...]:
        """Return (positions, units)."""
        return (self.positions, self.units)

    def step(self, state: Any, drive: Any) -> Any:
        """Return the next state."""
        units = self.units
        product = _times(state, self.recurrent)
        gates = ops.sigmoid(drive[..., : 2 * units] + product[..., : 2 * units])
        keep, reset = gates[..., :units], gates[..., units:]
        candidate = ops.tanh(
            drive[..., 2 * units :] + reset * (product[..., 2 * units :] + self.reset_bias)
        )
        return state + (1.0 - keep) * (candidate - state)


@keras.saving.register_keras_serializable("tinykit")
class Lstm(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); the state is hidden, then cell.

    The cell ends at `CELL_LIMIT`, as it does in integers.
    """

    GATES = 4  # input, forget, cell, output

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights; gates begin with remembering (Jozefowicz et al., 2015)."""
        super().build(shape)
        ones = ops.ones((self.bias.shape[0], self.units))
        start = ops.pad(ones, [[0, 0], [self.units, 2 * self.units]])
        self.bias.assign(start)

    def state_shape(self) -> tuple[int, ...]:
        """Return (positions, 2 units)."""
        return (self.positions, 2 * self.units)

    def hidden(self, state: Any) -> Any:
        """Return the hidden half."""
        return state[..., : self.units]

    def step(self, state: Any, drive: Any) -> Any:
        """Return the next state."""
        units = self.units
        gates = drive + _times(state[..., :units], self.recurrent)
        opened = ops.sigmoid(gates[..., : 2 * units])
        new = ops.tanh(gates[..., 2 * units : 3 * units])
        leave = ops.sigmoid(gates[..., 3 * units :])
        cell = opened[..., units:] * state[..., units:] + opened[..., :units] * new
        cell = ops.clip(cell, -CELL_LIMIT, CELL_LIMIT)
        return ops.concatenate([leave * ops.tanh(cell), cell], axis=-1)


def _known(shape: tuple[int | None, ...]) -> tuple[int, int]:
    """Return positions and channels of (batch, frames, positions, channels)."""
    _, _, positions, channels = shape
    assert positions is not None and channels is not None
    return positions, channels


def _times(x: Any, weights: Any) -> Any:
    """Return x (..., positions, n) times the matrices (1 or positions, n, m) of its positions."""
    if weights.shape[0] == 1:
        return ops.matmul(x, weights[0])
    return ops.einsum("...pn,pnm->...pm", x, weights)


def _blocks(name: str) -> Any:
    """Return an initializer that draws each matrix of (blocks, rows, columns) as one of its own."""

    def draw(shape: tuple[int, ...], dtype: Any = None) -> Any:
        return ops.stack(
            [keras.initializers.get(name)(shape[1:], dtype=dtype) for _ in range(shape[0])]
        )

    return draw
