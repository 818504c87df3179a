"""The operations of a folded network: what a .tflite has, with float weights.

Images are (height, width, channels). Layers over sequences (steps, channels) are read as images of
width 1: Conv1D is a convolution with a window of n x 1. Of a model over sequences of any length one
frame is folded: the steps are the height, which then is 1, and states are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

INPUT = -1
"""The number of the model's input among the nodes."""


@dataclass(frozen=True)
class Node:
    """One operation; `shape` is its output's, without the batch.

    Attributes
    ----------
    inputs : tuple of int
        Numbers of the nodes that it reads; `INPUT` is the model's input.
    tie : str
        Nodes of one `tie` share the quantization of their outputs: steps of an unrolled recurrence,
        whose operations then are the same code and constants.
    """

    name: str
    shape: tuple[int, ...]
    inputs: tuple[int, ...] = field(kw_only=True)
    tie: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class Linear(Node):
    """Convolution, depthwise convolution or matrix product, with bias and fused activation.

    weights : float32, OHWI for `conv2d`, (1, H, W, C) for `depthwise`, (O, I) for `dense`;
    bias : float32 (O,);  activation : "none", "relu" or "relu6";
    scales : of the quantized weights, one array (O,), where they were learned.
    """

    kind: str
    weights: Float
    bias: Float
    strides: tuple[int, int] = (1, 1)
    same: bool = False
    activation: str = "none"
    depth_multiplier: int = 1
    dilation: tuple[int, int] = (1, 1)
    scales: tuple[Float, ...] = ()

    @property
    def axis(self) -> int:
        """Axis of `weights` that is the output channel."""
        return 3 if self.kind == "depthwise" else 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference; taps that fall on the padding count."""
        return int(np.prod(self.shape[:-1], dtype=np.int64)) * self.weights.size


@dataclass(frozen=True)
class Pool(Node):
    """Pooling; `kind` is "average" or "max"."""

    kind: str
    size: tuple[int, int]
    strides: tuple[int, int]
    same: bool = False


@dataclass(frozen=True)
class Reshape(Node):
    """Another shape for the same values."""


@dataclass(frozen=True)
class Slice(Node):
    """`shape` values from `begin` on, along each axis."""

    begin: tuple[int, ...]


@dataclass(frozen=True)
class Concat(Node):
    """All inputs side by side along the channels, or another axis (without the batch)."""

    axis: int = -1


@dataclass(frozen=True)
class Binary(Node):
    """Two inputs, elementwise, with broadcasting; `kind` is "add", "sub" or "mul"."""

    kind: str
    activation: str = "none"


@dataclass(frozen=True)
class Constant(Node):
    """A value that is there before the first inference, without inputs: a state at its start."""

    value: Float


@dataclass(frozen=True)
class Remember(Node):
    """What the `Keep` of the same `tie` was given one frame ago; zeros at first. No inputs."""


@dataclass(frozen=True)
class Keep(Node):
    """Its input, which is kept for the next frame."""


@dataclass(frozen=True)
class Curve(Node):
    """A function of each value; `kind` is "logistic" or "tanh"."""

    kind: str


@dataclass(frozen=True)
class Lstm(Node):
    """A long short-term memory over all rows: (steps, 1, depth) -> (steps, 1, units).

    The state is kept from one inference to the next.

    `kernel` (4 units, depth), `recurrent` (4 units, units) and `bias` (4 units,) hold the gates in
    the order input, forget, cell, output. `scales`, where they were learned: those of the gates of
    `kernel` and of `recurrent`, (4,) each.
    """

    kernel: Float
    recurrent: Float
    bias: Float
    scales: tuple[Float, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return self.shape[0] * (self.kernel.size + self.recurrent.size)


@dataclass(frozen=True)
class Softmax(Node):
    """Softmax over the last axis."""


def macs(nodes: list[Node]) -> int:
    """Return the multiply-accumulates of one inference."""
    return sum(node.macs for node in nodes if isinstance(node, Linear | Lstm))


def parameters(nodes: list[Node]) -> int:
    """Return how many weights and biases there are; those of a recurrence count once."""
    unique = {}
    for node in nodes:
        if isinstance(node, Linear):
            unique[id(node.weights)] = node.weights.size + node.bias.size
        elif isinstance(node, Lstm):
            unique[id(node.kernel)] = node.kernel.size + node.recurrent.size + node.bias.size
    return sum(unique.values())
