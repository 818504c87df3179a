"""2-D convolution with int16 activations: gathered as for int8, two bytes for each channel."""

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
    _linear_int16,
    _window,
    conv2d,
    dims,
)

ITEM = 2  # bytes of an activation


def window_in_bytes(graph: Graph, op: Op) -> Params:
    """Return the initialisers of `tk_window` whose channels are bytes."""
    at = dict(_window.params(graph, op, op.attrs.window))
    return {**at, "in_c": ITEM * dims(graph, op.inputs[0])[3]}


def pixel_distance(graph: Graph, op: Op) -> int:
    """Return the distance at which a pixel's output may be written once its window was copied."""
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    reads = ITEM * _distance.window_reads(op.attrs.window, image, result)
    written = ITEM * np.arange(1, reads.size + 1) * result[3]
    return _distance.streaming(reads, written, reads_first=True)


def _lower(graph: Graph, op: Op) -> Lowering:
    weights = _linear.weights(graph, op)
    call = Call(
        _linear_int16.named(graph, op, 0, "tk_conv2d_s16", "tk_conv2d_wide_s16"),
        (
            Input(),
            Constant("filter", weights.reshape(weights.shape[0], -1)),
            *_linear_int16.constants(graph, op, 0),
            Scratch(ctype="int16_t"),
            Output(),
        ),
        "tk_conv2d_s16_params",
        {
            "at": window_in_bytes(graph, op),
            "out_c": weights.shape[0],
            "to": _linear_int16.output_stage(graph, op),
        },
    )
    in_place = InPlace(distance=pixel_distance(graph, op))
    return Lowering((call,), ITEM * weights[0].size, (in_place,))


KINDS = conv2d.KINDS
KERNELS = (Kernel("conv2d_s16", "tk_conv2d_int16.h", _lower, reads=_linear_int16.READS),)
