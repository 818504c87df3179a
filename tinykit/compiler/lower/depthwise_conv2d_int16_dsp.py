"""Depthwise convolution with int16 activations for the Arm DSP extension."""

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
    _dsp_int16,
    _linear_int16,
    _window,
    depthwise_conv2d,
    depthwise_conv2d_int16,
)
from tinykit.compiler.lower.conv2d_int16 import ITEM
from tinykit.compiler.ops import _linear as meaning

_CHANNEL_AXIS = 3  # of the filter: (1, H, W, C)


def _matches(graph: Graph, op: Op) -> bool:
    side_by_side = op.attrs.multiplier == 1 and op.attrs.window.dilation[1] == 1
    return side_by_side and _dsp_int16.matches(graph, op, _CHANNEL_AXIS)


def _packed(graph: Graph, op: Op) -> _dsp.Words:
    """Return the constants as `tk_depthwise_conv2d_s16_dsp` reads them, a row for each channel."""
    filters = _dsp.filter_rows(graph, op, _CHANNEL_AXIS)
    taps = filters.reshape(filters.shape[0], op.attrs.window.size[0], -1).astype("<i2")
    pairs = np.ascontiguousarray(_dsp.pad_to(taps, 2, 2)).view("<u4")
    start = _dsp.wrap(meaning.bias(graph, op))
    multiplier = _dsp.wrap(_linear_int16.scales(graph, op, _CHANNEL_AXIS).multiplier)
    words = pairs.reshape(filters.shape[0], -1).astype(np.uint32)
    return np.hstack([start[:, None], multiplier[:, None], words])


def _lower(graph: Graph, op: Op) -> Lowering:
    height, width = depthwise_conv2d.plane(graph, op)
    call = Call(
        "tk_depthwise_conv2d_s16_dsp",
        (
            Input(),
            Constant("packed", _packed(graph, op)),
            Scratch(ctype="int16_t"),
            Output(),
        ),
        "tk_depthwise_conv2d_s16_params",
        depthwise_conv2d_int16.params(graph, op, _window.params(graph, op, op.attrs.window)),
    )
    return Lowering((call,), ITEM * (height * width + 1), (InPlace(exact=True),))


KINDS = depthwise_conv2d_int16.KINDS
KERNELS = (
    Kernel(
        "depthwise_conv2d_s16_dsp",
        "tk_depthwise_conv2d_int16_dsp.h",
        _lower,
        variant="dsp",
        reads="int16",
        matches=_matches,
    ),
)
