"""2-D convolution for Helium: three pixels by four output channels at a time."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    Input,
    Kernel,
    Lowering,
    Output,
    Scratch,
    _distance,
    _helium,
    _linear,
    _window,
    dims,
)

_PIXELS = 3  # in a block


def lower(graph: Graph, op: Op, channel_axis: int = 0) -> Lowering:
    """Lower a convolution whose filter has its output channels on `channel_axis`."""
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    filters = np.moveaxis(_linear.weights(graph, op), channel_axis, 0)
    filters = np.ascontiguousarray(filters.reshape(filters.shape[0], -1))
    assert op.inputs[0] is not None
    call = Call(
        "tk_conv2d_s8_helium",
        (
            Input(),
            Constant("filter", filters),
            Constant("scale", _helium.fours(graph, op, channel_axis)),
            Scratch(),
            Output(),
        ),
        "tk_conv2d_params",
        {
            "at": _window.params(graph, op, op.attrs.window),
            "out_c": result[3],
            "backwards": int(_window.grows(graph, op)),
            "fill": graph.tensors[op.inputs[0]].zero_point,
            "to": _linear.output_stage(graph, op, channel_axis),
        },
    )
    pixel_reads = _distance.window_reads(op.attrs.window, image, result)
    starts = np.arange(0, pixel_reads.size, _PIXELS)
    reads = np.minimum.reduceat(pixel_reads, starts)
    written = np.minimum(starts + _PIXELS, pixel_reads.size) * result[3]
    distance = _distance.streaming(reads, written, reads_first=True)
    scratch = (1 if pixel_reads.size == 1 else _PIXELS) * filters.shape[1]
    return Lowering(
        (call,), scratch, (_distance.in_place(distance, backwards=_window.grows(graph, op)),)
    )


KINDS = ("conv2d",)
KERNELS = (
    Kernel(
        "conv2d_s8_helium",
        "tk_conv2d_helium.h",
        lower,
        variant="helium",
        matches=_helium.right_shifts,
        anywhere=True,
    ),
)
