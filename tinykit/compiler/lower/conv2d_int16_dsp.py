"""2-D convolution with int16 activations for the Arm DSP extension."""

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
    _distance,
    _dsp,
    _dsp_int16,
    _linear_int16,
    conv2d_int16,
    dims,
)
from tinykit.compiler.ops import _linear as meaning

_PIXELS = 4  # in a block
_WORD = 4  # bytes, of two activations


def _packed(graph: Graph, op: Op) -> _dsp.Words:
    """Return the constants as `tk_conv2d_s16_dsp` reads them, a row for each pair of channels."""
    filters = _dsp.pad_to(_dsp.filter_rows(graph, op, 0), 0, 2)
    start = _dsp.wrap(_dsp.pad_to(meaning.bias(graph, op), 0, 2)).reshape(-1, 2)
    scales = _linear_int16.scales(graph, op, 0)
    multiplier = _dsp.wrap(_dsp.pad_to(scales.multiplier, 0, 2)).reshape(-1, 2)
    return np.hstack([start, _dsp_int16.two_row_words(filters), multiplier])


def _reads_pixels(graph: Graph, op: Op) -> bool:
    """Whether pixels are read where they are: `tk_conv2d_reads_pixels_s16`."""
    window, channels = op.attrs.window, dims(graph, op.inputs[0])[3]
    return window.size == (1, 1) and window.stride == (1, 1) and channels % 2 == 0


def _lower(graph: Graph, op: Op) -> Lowering:
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    call = Call(
        "tk_conv2d_s16_dsp",
        (
            Input(),
            Constant("packed", _packed(graph, op)),
            Scratch(ctype="uint32_t"),
            Output(),
        ),
        "tk_conv2d_s16_params",
        {
            "at": conv2d_int16.window_in_bytes(graph, op),
            "out_c": result[3],
            "to": _linear_int16.output_stage(graph, op),
        },
    )
    pairs = 2 * -(-_dsp.filter_rows(graph, op, 0).shape[1] // 4)
    vectors = _PIXELS if _reads_pixels(graph, op) else _PIXELS + 1
    pixel_reads = conv2d_int16.ITEM * _distance.window_reads(op.attrs.window, image, result)
    starts = np.arange(0, pixel_reads.size, _PIXELS)
    reads = np.minimum.reduceat(pixel_reads, starts)
    written = np.minimum(starts + _PIXELS, pixel_reads.size) * result[3] * conv2d_int16.ITEM
    distance = _distance.streaming(reads, written, reads_first=True)
    return Lowering((call,), vectors * _WORD * pairs, (InPlace(distance=distance),))


KINDS = conv2d_int16.KINDS
KERNELS = (
    Kernel(
        "conv2d_s16_dsp",
        "tk_conv2d_int16_dsp.h",
        _lower,
        variant="dsp",
        reads="int16",
        matches=_dsp_int16.matches,
    ),
)
