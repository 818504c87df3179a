"""Depthwise convolution for the Arm DSP extension.

3x3 with stride 1 goes two rows at a time; over a single input channel it is a plain convolution.
"""

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
    Scratch,
    _dsp,
    _linear,
    conv2d_dsp,
    depthwise_conv2d,
    dims,
)
from tinykit.compiler.ops import _linear as meaning

_CHANNEL_AXIS = 3  # of the filter: (1, H, W, C)


def _matches(graph: Graph, op: Op) -> bool:
    _, in_h, in_w, channels = dims(graph, op.inputs[0])
    _, out_h, out_w, _ = dims(graph, op.outputs[0])
    window = op.attrs.window
    return (
        window.size == (3, 3)
        and window.stride == (1, 1)
        and window.dilation == (1, 1)
        and op.attrs.multiplier == 1
        and channels % 4 == 0
        and out_h <= in_h
        and out_w <= in_w
        and _dsp.short_shifts(graph, op, _CHANNEL_AXIS)
    )


def _packed(graph: Graph, op: Op) -> _dsp.Words:
    """Return the constants as `tk_depthwise_conv2d_3x3_s8_dsp` reads them, a row a channel."""
    weights = _linear.weights(graph, op)[0].astype(np.uint8).astype(np.uint32)  # (3, 3, C)
    multiplier, shift = meaning.multipliers(graph, op)
    columns = weights[0] | weights[1] << 8 | weights[2] << 16  # (3, C)
    columns[0] |= _dsp.shift_bytes(-shift, 1) << 24
    bias = 2 * _linear.folded_bias(graph, op, _CHANNEL_AXIS).astype(np.int64)
    return np.stack([*columns, _dsp.wrap(bias), _dsp.wrap(multiplier)], axis=1)


def _lower(graph: Graph, op: Op) -> Lowering:
    params = depthwise_conv2d.params(graph, op)
    call = Call(
        "tk_depthwise_conv2d_3x3_s8_dsp",
        (Input(), Constant("packed", _packed(graph, op)), Scratch(ctype="uint32_t"), Output()),
        "tk_depthwise_conv2d_params",
        params,
    )
    plane_w = params["plane_w"]
    assert isinstance(plane_w, int)
    return Lowering((call,), 4 * (40 + 8 * plane_w), (InPlace(exact=True),))


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
    ),
    Kernel(
        "depthwise_conv2d_3x3_s8_dsp",
        "tk_depthwise_conv2d_dsp.h",
        _lower,
        variant="dsp",
        matches=_matches,
    ),
)
