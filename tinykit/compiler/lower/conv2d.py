"""2-D convolution: every pixel's window is gathered, then multiplied by the whole filter."""

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
    _linear,
    _window,
    dims,
)


def _lower(graph: Graph, op: Op) -> Lowering:
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    weights = _linear.weights(graph, op)
    assert op.inputs[0] is not None
    call = Call(
        "tk_conv2d_s8",
        (
            Input(),
            Constant("filter", weights.reshape(weights.shape[0], -1)),
            *_linear.constants(graph, op, 0),
            Scratch(),
            Output(),
        ),
        "tk_conv2d_params",
        {
            "at": _window.params(graph, op, op.attrs.window),
            "out_c": result[3],
            "backwards": int(_window.grows(graph, op)),
            "fill": graph.tensors[op.inputs[0]].zero_point,
            "to": _linear.output_stage(graph, op, 0),
        },
    )
    reads = _distance.window_reads(op.attrs.window, image, result)
    written = np.arange(1, reads.size + 1) * result[3]
    distance = _distance.streaming(reads, written, reads_first=True)
    return Lowering(
        (call,),
        weights[0].size,
        (_distance.in_place(distance, backwards=_window.grows(graph, op)),),
    )


KINDS = ("conv2d",)
KERNELS = (Kernel("conv2d_s8", "tk_conv2d.h", _lower, anywhere=True),)
