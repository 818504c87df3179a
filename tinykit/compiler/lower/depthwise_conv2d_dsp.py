"""Depthwise convolution for the Arm DSP extension: columns of one channel, four outputs at a time.

Over a single input channel it is a plain convolution, unless it has no more than one output for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    _window,
    conv2d_dsp,
    dims,
)
from tinykit.compiler.ops import _linear as meaning

_CHANNEL_AXIS = 3  # of the filter: (1, H, W, C)

_WHOLE_BYTES = 1024  # a plane up to here holds all columns, or up to an eighth of the input
_SPARE_COLUMNS = 4  # of a smaller one, beside those of a window: it is moved on so seldom


@dataclass(frozen=True)
class _Layout:
    """How the kernel goes through the image: its columns run along `axis`, 0 height or 1 width."""

    axis: int
    few_taps: bool  # two or three in a column
    span: int  # pairs of rows that an output sees
    pairs: int  # of rows in a column, for each phase of the dilation
    columns: int  # that the plane holds
    whole: bool  # whether those are all
    words: int  # of scratch
    cost: int  # instructions for the outputs, roughly


def _along(axis: int, pair: tuple[int, ...]) -> tuple[int, int]:
    """Return a pair of (height, width) as (along a column, across columns)."""
    return pair[axis], pair[1 - axis]


def _layout(graph: Graph, op: Op, axis: int) -> _Layout:
    window = op.attrs.window
    size, stride, dilation = (
        _along(axis, pair) for pair in (window.size, window.stride, window.dilation)
    )
    outputs = _along(axis, dims(graph, op.outputs[0])[1:3])
    few_taps = size[0] in (2, 3)
    span = size[0] // 2 + 1 if stride[0] % 2 or few_taps else (size[0] + 1) // 2
    # the kernel's blocks of four, and what is left: two, or four again
    count = -(-outputs[0] // dilation[0])
    fours, rest = divmod(count, 4)
    start, farthest = (fours, 1) if 0 < rest <= 2 else (-(-count // 4) - 1, 3)
    pairs = start * 2 * stride[0] + farthest * stride[0] // 2 + span
    reach = (size[1] - 1) * dilation[1] + 1
    all_columns = (outputs[1] - 1) * stride[1] + reach
    column = dilation[0] * pairs
    limit = max(_WHOLE_BYTES, math.prod(dims(graph, op.inputs[0])) // 8)
    whole = 4 * all_columns * column <= limit or all_columns <= reach + _SPARE_COLUMNS
    columns = all_columns if whole else reach + _SPARE_COLUMNS
    fours += rest == 3
    step = 6 if few_taps or stride[0] == 1 else 10  # for two taps of four outputs
    cost = fours * (size[1] * (step * span + 2) + 34)
    cost += (rest in (1, 2)) * (size[1] * (5 * span + 2) + 22)
    return _Layout(
        axis,
        few_taps,
        span,
        pairs,
        columns,
        whole,
        size[1] * (2 if few_taps else 2 * span) + columns * column,
        cost * dilation[0] * outputs[1],
    )


def _layouts(graph: Graph, op: Op) -> list[_Layout]:
    """Return what the kernel can do, best first: in place, then fast."""
    window = op.attrs.window
    possible = [
        _layout(graph, op, axis)
        for axis in (0, 1)
        if 1 in (window.stride[axis], window.dilation[axis])
    ]
    return sorted(possible, key=lambda layout: (not _in_place(graph, op, layout), layout.cost))


def _in_place(graph: Graph, op: Op, layout: _Layout) -> bool:
    """Whether no output is written before the input at its place was read."""
    if op.attrs.multiplier > 1 or layout.whole:
        return op.attrs.multiplier == 1
    window, across = op.attrs.window, 1 - layout.axis
    before = (window.pad.top, window.pad.left)[across]
    if before >= window.span[across]:
        return False
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    # column after column of one shape, or row after row, each into what was read before
    return result == image or (layout.axis == 1 and result[1] <= image[1] and result[2] <= image[2])


def _matches(graph: Graph, op: Op) -> bool:
    return bool(_layouts(graph, op)) and _dsp.short_shifts(graph, op, _CHANNEL_AXIS)


def _packed(graph: Graph, op: Op, layout: _Layout) -> _dsp.Words:
    """Return the constants as the kernel reads them, a row for each output channel."""
    taps = _linear.weights(graph, op)[0].transpose(2, 1, 0)  # (C, W, H)
    if layout.axis == 1:
        taps = taps.transpose(0, 2, 1)
    room = -(-layout.span // 2) * 4
    taps = np.pad(taps, ((0, 0), (0, 0), (0, room - taps.shape[2])))
    multiplier, shift = meaning.multipliers(graph, op)
    bias = 2 * _linear.folded_bias(graph, op, _CHANNEL_AXIS).astype(np.int64)
    scale = [_dsp.wrap(bias), _dsp.wrap(multiplier)]
    words = np.ascontiguousarray(taps.reshape(taps.shape[0], -1)).view("<u4").astype(np.uint32)
    if layout.few_taps:  # a byte of each word is free
        words[:, 0] |= _dsp.shift_bytes(-shift, 1) << 24
    else:
        scale.append(_dsp.shift_bytes(-shift, 1))
    return np.hstack([np.stack(scale, axis=1), words])


def _lower(graph: Graph, op: Op) -> Lowering:
    layout = _layouts(graph, op)[0]
    (_, _, in_w, in_c), (_, _, out_w, out_c) = (
        dims(graph, key) for key in (op.inputs[0], op.outputs[0])
    )
    in_row, in_column = _along(layout.axis, (in_w * in_c, in_c))
    out_row, out_column = _along(layout.axis, (out_w * out_c, out_c))
    assert op.inputs[0] is not None
    call = Call(
        "tk_depthwise_conv2d_s8_dsp",
        (
            Input(),
            Constant("packed", _packed(graph, op, layout)),
            Scratch(ctype="uint32_t"),
            Output(),
        ),
        "tk_depthwise_conv2d_dsp_params",
        {
            "at": _window.params(graph, op, op.attrs.window, exchanged=layout.axis == 1),
            "in_row": in_row,
            "in_column": in_column,
            "out_row": out_row,
            "out_column": out_column,
            "multiplicity": op.attrs.multiplier,
            "fill": graph.tensors[op.inputs[0]].zero_point,
            "span": layout.span,
            "pairs": layout.pairs,
            "columns": layout.columns,
            "to": _linear.output_stage(graph, op, _CHANNEL_AXIS),
        },
    )
    in_place = (InPlace(exact=True),) if _in_place(graph, op, layout) else ()
    return Lowering((call,), 4 * layout.words, in_place)


def _is_plain(graph: Graph, op: Op) -> bool:
    single = dims(graph, op.inputs[0])[3] == 1 and op.attrs.multiplier > 1
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
        "depthwise_conv2d_s8_dsp",
        "tk_depthwise_conv2d_dsp.h",
        _lower,
        variant="dsp",
        matches=_matches,
    ),
)
