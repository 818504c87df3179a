"""Depthwise convolution for Helium: 16 channels at a time; over one channel, a convolution."""

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
    _helium,
    _linear,
    conv2d_helium,
    depthwise_conv2d,
    dims,
)
from tinykit.compiler.ops import Array

_CHANNEL_AXIS = 3  # of the filter: (1, H, W, C)
_LANES = 16
_ORDER = np.concatenate([np.arange(first, _LANES, 4) for first in (0, 2, 1, 3)])
"""The channels of a group as their sums lie in four vectors."""


def _is_plain(graph: Graph, op: Op) -> bool:
    return dims(graph, op.inputs[0])[3] == 1 and _helium.right_shifts(graph, op)


def _matches(graph: Graph, op: Op) -> bool:
    return op.attrs.multiplier == 1 and _helium.right_shifts(graph, op)


def _groups(values: Array) -> Array:
    """Return a value per channel by groups of 16 in the order of the sums."""
    return _helium.padded(values, _LANES).reshape(-1, _LANES)[:, _ORDER]


def _filters(graph: Graph, op: Op) -> Array:
    """Return the filter, int8 (groups, taps, 16)."""
    filters = _linear.weights(graph, op)
    taps = _helium.padded(filters.reshape(-1, filters.shape[3]), _LANES)
    return np.ascontiguousarray(taps.reshape(taps.shape[0], -1, _LANES).transpose(1, 0, 2))


def _run(filters: Array) -> int:
    """Return how many products of consecutive taps fit an int16 when they are added.

    Parameters
    ----------
    filters : int8 (groups, taps, 16)
    """
    weights = np.abs(filters.astype(np.int64))
    taps = weights.shape[1]
    for run in range(taps, 1, -1):
        sums = np.add.reduceat(weights, np.arange(0, taps, run), axis=1)
        if 128 * int(sums.max()) <= np.iinfo(np.int16).max:
            return run
    return 1


def _lower(graph: Graph, op: Op) -> Lowering:
    window = op.attrs.window
    params = depthwise_conv2d.params(graph, op)
    filters = _filters(graph, op)
    multiplier, left = _helium.scaling(graph, op)
    span = (window.size[0] - 1) * window.dilation[0] + 1
    call = Call(
        "tk_depthwise_conv2d_s8_helium",
        (
            Input(),
            Constant("filter", filters.reshape(-1, _LANES)),
            Constant("bias", _groups(_linear.folded_bias(graph, op, _CHANNEL_AXIS))),
            Constant("multiplier", _groups(multiplier)),
            Constant("left", _groups(left)),
            Scratch(),
            Output(),
        ),
        "tk_depthwise_conv2d_helium_params",
        {"conv": params, "span": span, "run": _run(filters)},
    )
    plane_w = params["plane_w"]
    assert isinstance(plane_w, int)
    return Lowering((call,), span * plane_w * _LANES, (InPlace(exact=True),))


KINDS = ("depthwise_conv2d",)
KERNELS = (
    Kernel(
        "conv2d_s8_helium",
        "tk_conv2d_helium.h",
        lambda graph, op: conv2d_helium.lower(graph, op, _CHANNEL_AXIS),
        variant="helium",
        matches=_is_plain,
    ),
    Kernel(
        "depthwise_conv2d_s8_helium",
        "tk_depthwise_conv2d_helium.h",
        _lower,
        variant="helium",
        matches=_matches,
    ),
)
