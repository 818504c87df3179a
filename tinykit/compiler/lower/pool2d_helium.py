"""Average and maximum pooling for Helium: 4 and 16 channels at a time."""

from __future__ import annotations

import math

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    InPlace,
    Input,
    Kernel,
    Lowering,
    Output,
    _distance,
    _window,
    dims,
)
from tinykit.compiler.ops import _pool

_CHANNELS = {"average_pool2d": 4, "max_pool2d": 16}  # in a block
_MOST_PIXELS = 2884  # under a window: up to here the mean is exact


def _matches(graph: Graph, op: Op) -> bool:
    return op.kind == "max_pool2d" or math.prod(op.attrs.window.size) <= _MOST_PIXELS


def _lower(graph: Graph, op: Op) -> Lowering:
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    low, high = _pool.output_range(graph, op)
    call = Call(
        f"tk_{op.kind}_s8_helium",
        (Input(), Output()),
        "tk_pool2d_params",
        {"at": _window.params(graph, op, op.attrs.window), "low": low, "high": high},
    )
    # a step is a block of channels of one pixel: all its inputs are read, then it is written
    pixels = _distance.window_reads(op.attrs.window, image, result)
    starts = np.arange(0, image[3], _CHANNELS[op.kind])
    ends = np.append(starts[1:], image[3])
    reads = (pixels[:, None] + starts[None, :]).reshape(-1)
    written = (np.arange(pixels.size)[:, None] * image[3] + ends[None, :]).reshape(-1)
    distance = _distance.streaming(reads, written, reads_first=True)
    return Lowering((call,), in_place=(InPlace(distance=distance),))


KINDS = ("average_pool2d", "max_pool2d")
KERNELS = (
    Kernel("pool2d_s8_helium", "tk_pool2d_helium.h", _lower, variant="helium", matches=_matches),
)
