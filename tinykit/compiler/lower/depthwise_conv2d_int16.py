"""Depthwise convolution with int16 activations: channel by channel in place, or pixel by pixel."""

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
    _linear,
    _linear_int16,
    _window,
    conv2d_int16,
    depthwise_conv2d,
    dims,
)
from tinykit.compiler.lower.conv2d_int16 import ITEM
from tinykit.compiler.ops import Array

_CHANNEL_AXIS = 3  # of the filter: (1, H, W, C)


def params(graph: Graph, op: Op, at: Params) -> Params:
    """Return the initialisers of `tk_depthwise_conv2d_s16_params`; `at` is its window."""
    height, width = depthwise_conv2d.plane(graph, op)
    return {
        "at": at,
        "multiplicity": op.attrs.multiplier,
        "plane_h": height,
        "plane_w": width,
        "to": _linear_int16.output_stage(graph, op),
    }


def _call(graph: Graph, op: Op, function: str, at: Params, filters: Array) -> Call:
    return Call(
        function,
        (
            Input(),
            Constant("filter", filters),
            *_linear_int16.constants(graph, op, _CHANNEL_AXIS),
            Scratch(ctype="int16_t"),
            Output(),
        ),
        "tk_depthwise_conv2d_s16_params",
        params(graph, op, at),
    )


def _by_channel_pays(graph: Graph, op: Op) -> bool:
    """Whether one channel's plane is small beside the input that it saves."""
    short = _linear_int16.sums_are_short(graph, op, _CHANNEL_AXIS)
    return short and depthwise_conv2d.by_channel_pays(graph, op)


def _lower_by_channel(graph: Graph, op: Op) -> Lowering:
    height, width = depthwise_conv2d.plane(graph, op)
    filters = _linear.weights(graph, op)
    per_channel = np.ascontiguousarray(filters.reshape(-1, filters.shape[3]).T)
    at = _window.params(graph, op, op.attrs.window)
    call = _call(graph, op, "tk_depthwise_conv2d_by_channel_s16", at, per_channel)
    return Lowering((call,), ITEM * height * width, (InPlace(exact=True),))


def _lower_by_pixel(graph: Graph, op: Op) -> Lowering:
    filters = _linear.weights(graph, op)
    function = _linear_int16.named(
        graph,
        op,
        _CHANNEL_AXIS,
        "tk_depthwise_conv2d_by_pixel_s16",
        "tk_depthwise_conv2d_wide_s16",
    )
    at = conv2d_int16.window_in_bytes(graph, op)
    call = _call(graph, op, function, at, filters.reshape(-1, filters.shape[3]))
    patch = op.attrs.window.size[0] * op.attrs.window.size[1] * dims(graph, op.inputs[0])[3]
    in_place = InPlace(distance=conv2d_int16.pixel_distance(graph, op))
    return Lowering((call,), ITEM * patch, (in_place,))


KINDS = depthwise_conv2d.KINDS
KERNELS = (
    Kernel(
        "depthwise_conv2d_by_channel_s16",
        "tk_depthwise_conv2d_int16.h",
        _lower_by_channel,
        reads=_linear_int16.READS,
        matches=_by_channel_pays,
    ),
    Kernel(
        "depthwise_conv2d_by_pixel_s16",
        "tk_depthwise_conv2d_int16.h",
        _lower_by_pixel,
        reads=_linear_int16.READS,
    ),
)
