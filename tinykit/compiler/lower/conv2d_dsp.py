"""2-D convolution for the Arm DSP extension: four pixels by two output channels at a time."""

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
    _dsp,
    _linear,
    _window,
    dims,
)
from tinykit.compiler.ops import _linear as meaning

_PIXELS = 4  # in a block


def _is_pointwise(graph: Graph, op: Op) -> bool:
    """Whether the kernel reads its pixels where they are: `tk_conv2d_is_pointwise`."""
    window = op.attrs.window
    channels = dims(graph, op.inputs[0])[3]
    return window.size == (1, 1) and window.stride == (1, 1) and channels % 4 == 0


def _patch(graph: Graph, op: Op, depth4: int) -> int:
    """Return the bytes of a window that are copied together: a row if `tk_conv2d_in_rows`."""
    window = op.attrs.window
    row = window.size[1] * dims(graph, op.inputs[0])[3]
    return int(row) if row % 4 == 0 and window.dilation[1] == 1 else depth4


def _is_chunked(graph: Graph, op: Op, channel_axis: int) -> bool:
    """Whether the sums of an output channel may leave the packing's range on their way."""
    return 2 * _dsp.reach(graph, op, channel_axis) >= _dsp.HIGH_LIMIT


def matches(graph: Graph, op: Op, channel_axis: int = 0) -> bool:
    """Whether the kernel's sums and its requantization are exact."""
    fits = _dsp.pairs_fit(_linear.weights(graph, op)) and _dsp.doubled_sums_fit(
        graph, op, channel_axis
    )
    return fits and _dsp.short_shifts(graph, op, channel_axis)


def _packed(graph: Graph, op: Op, channel_axis: int) -> _dsp.Words:
    """Return the constants as `tk_conv2d_s8_dsp` reads them, a row for each pair of channels."""
    filters = _dsp.filter_rows(graph, op, channel_axis)
    filters = _dsp.pad_to(_dsp.pad_to(filters, 1, 4), 0, 2)
    bias = _dsp.pad_to(_linear.folded_bias(graph, op, channel_axis), 0, 2)
    chunked = _is_chunked(graph, op, channel_axis)
    starts = _dsp.parted_starts(bias, 2) if chunked else _dsp.packed_starts(bias)
    multiplier, shift = (_dsp.pad_to(value, 0, 2) for value in meaning.multipliers(graph, op))
    return np.hstack(
        [
            starts,
            _dsp.pair_words(filters),
            _dsp.wrap(multiplier).reshape(-1, 2),
            _dsp.shift_bytes(-shift, 2)[:, None],
        ]
    )


def lower(graph: Graph, op: Op, channel_axis: int = 0) -> Lowering:
    """Lower a convolution whose filter has its output channels on `channel_axis`."""
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    pointwise = _is_pointwise(graph, op)
    assert op.inputs[0] is not None
    packed = Constant("packed", _packed(graph, op, channel_axis))
    call = Call(
        "tk_conv2d_s8_dsp",
        (Input(), packed, Scratch(ctype="uint32_t"), Output()),
        "tk_conv2d_dsp_params",
        {
            "conv": {
                "at": _window.params(graph, op, op.attrs.window),
                "out_c": result[3],
                "backwards": int(_window.grows(graph, op)),
                "fill": 0 if pointwise else graph.tensors[op.inputs[0]].zero_point,
                "to": _linear.output_stage(graph, op, channel_axis),
            },
            "chunked": int(_is_chunked(graph, op, channel_axis)),
        },
    )
    depth4 = -(-_dsp.filter_rows(graph, op, channel_axis).shape[1] // 4) * 4
    pixel_reads = _distance.window_reads(op.attrs.window, image, result)
    starts = np.arange(0, pixel_reads.size, _PIXELS)
    reads = np.minimum.reduceat(pixel_reads, starts)
    written = np.minimum(starts + _PIXELS, pixel_reads.size) * result[3]
    distance = _distance.streaming(reads, written, reads_first=True)
    scratch = 2 * _PIXELS * depth4 + (0 if pointwise else _patch(graph, op, depth4))
    return Lowering(
        (call,), scratch, (_distance.in_place(distance, backwards=_window.grows(graph, op)),)
    )


KINDS = ("conv2d",)
KERNELS = (
    Kernel(
        "conv2d_s8_dsp", "tk_conv2d_dsp.h", lower, variant="dsp", matches=matches, anywhere=True
    ),
)
