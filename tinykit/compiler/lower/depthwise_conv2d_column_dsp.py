"""Depthwise convolution with one output pixel, for the Arm DSP extension: the end of a stream."""

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
    _dsp,
    _linear,
    dims,
)
from tinykit.compiler.ops import _linear as meaning
from tinykit.compiler.ops._window import Pad

_CHANNEL_AXIS = 3  # of the filter: (1, H, W, C)


def _step(graph: Graph, op: Op) -> int:
    """Return the pixels from one tap to the next; 0 when they are not evenly spaced."""
    _, _, width, _ = dims(graph, op.inputs[0])
    window = op.attrs.window
    if window.size[1] == 1:
        return int(window.dilation[0] * width)
    return int(window.dilation == (1, 1) and (window.size[1] == width or window.size[0] == 1))


def _matches(graph: Graph, op: Op) -> bool:
    single = dims(graph, op.outputs[0])[1:3] == (1, 1)
    return (
        single
        and op.attrs.multiplier == 1
        and op.attrs.window.pad == Pad()
        and dims(graph, op.inputs[0])[3] % 4 == 0
        and _step(graph, op) > 0
        and _dsp.short_shifts(graph, op, _CHANNEL_AXIS)
    )


def _packed(graph: Graph, op: Op) -> _dsp.Words:
    """Return the constants as the kernel reads them, a row for each four channels."""
    bias = _dsp.wrap(_linear.folded_bias(graph, op, _CHANNEL_AXIS)).reshape(-1, 4)
    multiplier, shift = meaning.multipliers(graph, op)
    weights = _linear.weights(graph, op)
    words = np.ascontiguousarray(weights).view("<u4").astype(np.uint32)
    taps = words.reshape(-1, weights.shape[_CHANNEL_AXIS] // 4).T
    scale = [_dsp.wrap(multiplier).reshape(-1, 4), _dsp.shift_bytes(-shift, 4)[:, None]]
    return np.hstack([bias, *scale, taps])


def _lower(graph: Graph, op: Op) -> Lowering:
    channels = dims(graph, op.inputs[0])[3]
    size = op.attrs.window.size
    call = Call(
        "tk_depthwise_conv2d_column_s8_dsp",
        (Input(), Constant("packed", _packed(graph, op)), Output()),
        "tk_depthwise_conv2d_column_params",
        {
            "taps": size[0] * size[1],
            "step": _step(graph, op) * channels,
            "channels": channels,
            "to": _linear.output_stage(graph, op, _CHANNEL_AXIS),
        },
    )
    # four channels are read, from the lowest byte on, before the same four are written
    return Lowering((call,), in_place=(InPlace(),))


KINDS = ("depthwise_conv2d",)
KERNELS = (
    Kernel(
        "depthwise_conv2d_column_s8_dsp",
        "tk_depthwise_conv2d_column_dsp.h",
        _lower,
        variant="dsp",
        matches=_matches,
    ),
)
