"""Average and maximum pooling."""

from __future__ import annotations

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


def lower(graph: Graph, op: Op) -> Lowering:
    """Lower a pool of int8, or of int16 whose kernel differs in nothing but its name."""
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    low, high = _pool.output_range(graph, op)
    call = Call(
        f"tk_{op.kind}_s8",
        (Input(), Output()),
        "tk_pool2d_params",
        {"at": _window.params(graph, op, op.attrs.window), "low": low, "high": high},
    )
    # a step is one channel of one pixel: it reads that channel only, then writes one value
    pixels = _distance.window_reads(op.attrs.window, image, result)
    reads = (pixels[:, None] + np.arange(image[3])[None, :]).reshape(-1)
    distance = graph.tensors[op.outputs[0]].dtype.itemsize * _distance.streaming(
        reads, np.arange(1, reads.size + 1), reads_first=True
    )
    return Lowering((call,), in_place=(InPlace(distance=distance),))


KINDS = ("average_pool2d", "max_pool2d")
KERNELS = (Kernel("pool2d_s8", "tk_pool2d.h", lower, anywhere=True),)
