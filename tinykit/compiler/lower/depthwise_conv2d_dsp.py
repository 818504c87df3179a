"""Depthwise convolution for the Arm DSP extension.

Over a single input channel it is a plain convolution; 3x3 holds four rows at a time; other filters,
mostly those over time, take four channels of the whole input apart.
"""

from __future__ import annotations

import math

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
    Scratch,
    _dsp,
    _linear,
    conv2d_dsp,
    depthwise_conv2d,
    dims,
)
from tinykit.compiler.ops import _linear as meaning

_CHANNEL_AXIS = 3  # of the filter: (1, H, W, C)


_PLANE_LIMIT_BYTES = 2048  # of scratch: more only beside a tensor of four times as much


def _matches(graph: Graph, op: Op) -> bool:
    """Whether channels can be taken apart in fours, two rows at a time."""
    _, in_h, in_w, channels = dims(graph, op.inputs[0])
    _, out_h, out_w, _ = dims(graph, op.outputs[0])
    window = op.attrs.window
    return (
        window.stride[0] in (1, 2)
        and window.dilation == (1, 1)
        and op.attrs.multiplier == 1
        and channels % 4 == 0
        and 1 < out_h <= in_h
        and out_w <= in_w
        and _dsp.short_shifts(graph, op, _CHANNEL_AXIS)
    )


def _is_3x3(graph: Graph, op: Op) -> bool:
    window = op.attrs.window
    return window.size == (3, 3) and window.stride in ((1, 1), (2, 2)) and _matches(graph, op)


def _packed_3x3(graph: Graph, op: Op) -> _dsp.Words:
    """Return the constants as `tk_depthwise_conv2d_3x3_s8_dsp` reads them, a row a channel."""
    weights = _linear.weights(graph, op)[0].astype(np.uint8).astype(np.uint32)  # (3, 3, C)
    multiplier, shift = meaning.multipliers(graph, op)
    columns = weights[0] | weights[1] << 8 | weights[2] << 16  # (3, C)
    columns[0] |= _dsp.shift_bytes(-shift, 1) << 24
    bias = 2 * _linear.folded_bias(graph, op, _CHANNEL_AXIS).astype(np.int64)
    return np.stack([*columns, _dsp.wrap(bias), _dsp.wrap(multiplier)], axis=1)


def _lower_3x3(graph: Graph, op: Op) -> Lowering:
    params = depthwise_conv2d.params(graph, op)
    call = Call(
        "tk_depthwise_conv2d_3x3_s8_dsp",
        (Input(), Constant("packed", _packed_3x3(graph, op)), Scratch(ctype="uint32_t"), Output()),
        "tk_depthwise_conv2d_params",
        params,
    )
    plane_w = params["plane_w"]
    assert isinstance(plane_w, int)
    return Lowering((call,), 4 * (40 + 8 * plane_w), (InPlace(exact=True),))


def _plane(graph: Graph, op: Op) -> tuple[int, int]:
    """Return the pairs of rows that an output sees, and those of the whole plane."""
    window = op.attrs.window
    span = window.size[0] // 2 + 1
    last = dims(graph, op.outputs[0])[1] - 1
    return span, (last // 2 if window.stride[0] == 1 else last) + span


def _packed_plane(graph: Graph, op: Op) -> _dsp.Words:
    """Return the constants as `tk_depthwise_conv2d_plane_s8_dsp` reads them, a row a channel."""
    span, _ = _plane(graph, op)
    taps = _linear.weights(graph, op)[0].transpose(2, 1, 0)  # (C, W, H)
    room = -(-span // 2) * 4
    taps = np.pad(taps, ((0, 0), (0, 0), (0, room - taps.shape[2])))
    multiplier, shift = meaning.multipliers(graph, op)
    bias = 2 * _linear.folded_bias(graph, op, _CHANNEL_AXIS).astype(np.int64)
    scale = [_dsp.wrap(bias), _dsp.wrap(multiplier), _dsp.shift_bytes(-shift, 1)]
    words = np.ascontiguousarray(taps.reshape(taps.shape[0], -1)).view("<u4").astype(np.uint32)
    return np.hstack([np.stack(scale, axis=1), words])


def _plane_words(graph: Graph, op: Op) -> int:
    """Return the scratch that the plane kernel needs."""
    span, pairs = _plane(graph, op)
    plane_w = depthwise_conv2d.params(graph, op)["plane_w"]
    assert isinstance(plane_w, int)
    return int(2 * op.attrs.window.size[1] * span + 4 * plane_w * pairs)


def _plane_matches(graph: Graph, op: Op) -> bool:
    if not _matches(graph, op):
        return False
    limit = max(_PLANE_LIMIT_BYTES, math.prod(dims(graph, op.inputs[0])) // 4)
    return 4 * _plane_words(graph, op) <= limit


def _lower_plane(graph: Graph, op: Op) -> Lowering:
    span, pairs = _plane(graph, op)
    packed = Constant("packed", _packed_plane(graph, op))
    call = Call(
        "tk_depthwise_conv2d_plane_s8_dsp",
        (Input(), packed, Scratch(ctype="uint32_t"), Output()),
        "tk_depthwise_conv2d_plane_params",
        {"conv": depthwise_conv2d.params(graph, op), "span": span, "pairs": pairs},
    )
    return Lowering((call,), 4 * _plane_words(graph, op), (InPlace(exact=True),))


def _is_plain(graph: Graph, op: Op) -> bool:
    single = dims(graph, op.inputs[0])[3] == 1
    return single and conv2d_dsp.matches(graph, op, _CHANNEL_AXIS)


KINDS = ("depthwise_conv2d",)
KERNELS = (
    Kernel(
        "conv2d_s8_dsp",
        "tk_conv2d_dsp.h",
        lambda graph, op: conv2d_dsp.lower(graph, op, _CHANNEL_AXIS),
        variant="dsp",
        matches=_is_plain,
        anywhere=True,
    ),
    Kernel(
        "depthwise_conv2d_3x3_s8_dsp",
        "tk_depthwise_conv2d_dsp.h",
        _lower_3x3,
        variant="dsp",
        matches=_is_3x3,
    ),
    Kernel(
        "depthwise_conv2d_plane_s8_dsp",
        "tk_depthwise_conv2d_dsp.h",
        _lower_plane,
        variant="dsp",
        matches=_plane_matches,
    ),
)
