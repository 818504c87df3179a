"""Geometry of ops that slide a window over height and width, and how numpy sees the windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler import schema
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import Array, _legal

PADDINGS = {0: "SAME", 1: "VALID"}

# far beyond sense, and what it takes for a hostile file to cost little
MAX_STEP = 1 << 15  # of a stride, a dilation or one side of a window
MAX_TAPS = 1 << 16  # positions inside a window
MAX_PADDED = 1 << 24  # elements of the image with its padding


@dataclass(frozen=True)
class Pad:
    """Rows and columns added around the image."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0


@dataclass(frozen=True)
class Window:
    """A window sliding over an NHWC image. Pairs are (height, width).

    Output row y reads input rows `y * stride[0] - pad.top + i * dilation[0]` for i in
    range(size[0]); rows outside the image are padding. The same holds for columns.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad: Pad

    @property
    def span(self) -> tuple[int, int]:
        """Height and width of the window, the gaps of dilation included."""
        return (
            (self.size[0] - 1) * self.dilation[0] + 1,
            (self.size[1] - 1) * self.dilation[1] + 1,
        )

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return how many positions the window has in each direction (maybe none)."""
        rows = height + self.pad.top + self.pad.bottom - self.span[0]
        columns = width + self.pad.left + self.pad.right - self.span[1]
        return rows // self.stride[0] + 1, columns // self.stride[1] + 1


def parse_window(op: Op, options: Any, image: Tensor, size: tuple[int, int]) -> Window:
    """Resolve strides, dilation and SAME or VALID padding for an NHWC `image`."""
    _legal.rank(op, image, 4, "input")
    stride = (int(options.strideH), int(options.strideW))
    dilation = (
        int(getattr(options, "dilationHFactor", 1)),
        int(getattr(options, "dilationWFactor", 1)),
    )
    for name, pair in (("window", size), ("stride", stride), ("dilation", dilation)):
        inside = all(1 <= value <= MAX_STEP for value in pair)
        _legal.require(inside, op, f"{name} {pair} is not within 1 to {MAX_STEP}")
    taps = size[0] * size[1]
    _legal.require(taps <= MAX_TAPS, op, f"window {size} has more than {MAX_TAPS} positions")
    padding = PADDINGS.get(int(options.padding))
    if padding is None:
        _legal.refuse(op, f"padding {options.padding} is neither SAME nor VALID")
    pad = Pad()
    if padding == "SAME":
        vertical, horizontal = (
            _same(image.shape[1 + axis], size[axis], stride[axis], dilation[axis])
            for axis in (0, 1)
        )
        pad = Pad(*vertical, *horizontal)
    return Window(size, stride, dilation, pad)


def _same(length: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return SAME padding before and after: as little as gives ceil(length / stride) outputs."""
    outputs = -(-length // stride)
    span = (size - 1) * dilation + 1
    total = max(0, (outputs - 1) * stride + span - length)
    return total // 2, total - total // 2


def parse_activation(op: Op, options: Any) -> str:
    """Return the fused activation's name, a key of `arithmetic.ACTIVATION_BOUNDS`."""
    name = schema.ACTIVATIONS.get(int(options.fusedActivationFunction))
    if name is None:
        _legal.refuse(
            op,
            f"fused activation {options.fusedActivationFunction} is not supported",
            f"use one of {', '.join(schema.ACTIVATIONS.values())}",
        )
    return name


def check_window(op: Op, window: Window, image: Tensor, result: Tensor, channels: int) -> None:
    """Refuse `op` unless `window` over `image` gives the shape of `result`."""
    _legal.rank(op, image, 4, "input")
    if image.shape[0] != 1:
        _legal.refuse(op, f"its batch is {image.shape[0]}, not 1", "export with a batch of 1")
    rows, columns = window.output_size(*image.shape[1:3])
    if rows < 1 or columns < 1:
        _legal.refuse(op, f"its window {window.size} does not fit into {image.shape[1:3]}")
    _legal.shape_is(op, result, (1, rows, columns, channels))
    pad, (_, height, width, depth) = window.pad, image.shape
    padded = (height + pad.top + pad.bottom) * (width + pad.left + pad.right) * depth
    if padded > MAX_PADDED:
        _legal.refuse(op, f"its padded input has {padded:,} elements, the limit is {MAX_PADDED:,}")


def taps(graph: Graph, op: Op, window: Window, image: Array, fill: int) -> list[list[Array]]:
    """Return, for each position inside the window, what all outputs read there.

    Parameters
    ----------
    image : (N, H, W, C)
    fill : int
        Value of the padding.

    Returns
    -------
    list of rows of views (N, out_h, out_w, C)
    """
    rows, columns = graph.tensors[op.outputs[0]].shape[1:3]
    pad, stride, dilation = window.pad, window.stride, window.dilation
    widths = ((0, 0), (pad.top, pad.bottom), (pad.left, pad.right), (0, 0))
    padded = np.pad(image, widths, constant_values=fill)
    return [
        [
            padded[
                :,
                y * dilation[0] :: stride[0],
                x * dilation[1] :: stride[1],
            ][:, :rows, :columns]
            for x in range(window.size[1])
        ]
        for y in range(window.size[0])
    ]
