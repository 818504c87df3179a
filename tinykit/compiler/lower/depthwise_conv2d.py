"""Depthwise convolution: channel by channel in place, or pixel by pixel."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    InPlace,
    Input,
    Kernel,
    Lowering,
    Output,
    Params,
    Scratch,
    _distance,
    _linear,
    _window,
    dims,
)
from tinykit.compiler.ops import Array

_CHANNEL_AXIS = 3  # of the filter: (1, H, W, C)


def plane(graph: Graph, op: Op) -> tuple[int, int]:
    """Return height and width of what all windows together cover, padding included."""
    _, out_h, out_w, _ = dims(graph, op.outputs[0])
    window = op.attrs.window
    height, width = (
        (outputs - 1) * window.stride[axis] + (window.size[axis] - 1) * window.dilation[axis] + 1
        for axis, outputs in enumerate((out_h, out_w))
    )
    return height, width


def params(graph: Graph, op: Op) -> Params:
    """Return the initialisers of `tk_depthwise_conv2d_params`."""
    assert op.inputs[0] is not None
    plane_h, plane_w = plane(graph, op)
    return {
        "at": _window.params(graph, op, op.attrs.window),
        "multiplicity": op.attrs.multiplier,
        "fill": graph.tensors[op.inputs[0]].zero_point,
        "plane_h": plane_h,
        "plane_w": plane_w,
        "to": _linear.output_stage(graph, op, _CHANNEL_AXIS),
    }


def _call(graph: Graph, op: Op, function: str, filters: Array) -> Call:
    return Call(
        function,
        (
            Input(),
            Constant("filter", filters),
            *_linear.constants(graph, op, _CHANNEL_AXIS),
            Scratch(),
            Output(),
        ),
        "tk_depthwise_conv2d_params",
        params(graph, op),
    )


def by_channel_pays(graph: Graph, op: Op) -> bool:
    """Whether one channel's plane is small beside the input that it saves."""
    channels = dims(graph, op.inputs[0])[3]
    return op.attrs.multiplier == 1 and channels >= 4


def _lower_by_channel(graph: Graph, op: Op) -> Lowering:
    height, width = plane(graph, op)
    filters = _linear.weights(graph, op)
    per_channel = np.ascontiguousarray(filters.reshape(-1, filters.shape[3]).T)
    call = _call(graph, op, "tk_depthwise_conv2d_by_channel_s8", per_channel)
    return Lowering((call,), height * width, (InPlace(exact=True),))


def _lower_by_pixel(graph: Graph, op: Op) -> Lowering:
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    filters = _linear.weights(graph, op)
    call = _call(
        graph, op, "tk_depthwise_conv2d_by_pixel_s8", filters.reshape(-1, filters.shape[3])
    )
    reads = _distance.window_reads(op.attrs.window, image, result)
    written = np.arange(1, reads.size + 1) * result[3]
    distance = _distance.streaming(reads, written, reads_first=True)
    patch = op.attrs.window.size[0] * op.attrs.window.size[1] * image[3]
    return Lowering((call,), patch, (InPlace(distance=distance),))


KINDS = ("depthwise_conv2d",)
KERNELS = (
    Kernel(
        "depthwise_conv2d_by_channel_s8",
        "tk_depthwise_conv2d.h",
        _lower_by_channel,
        matches=by_channel_pays,
    ),
    Kernel("depthwise_conv2d_by_pixel_s8", "tk_depthwise_conv2d.h", _lower_by_pixel, anywhere=True),
)
