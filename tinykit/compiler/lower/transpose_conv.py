"""Transposed convolution, output by output."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    Input,
    Kernel,
    Lowering,
    Output,
    Params,
    _linear,
    dims,
)
from tinykit.compiler.ops import _linear as meaning


def _window(graph: Graph, op: Op) -> Params:
    """Return the initialisers of `tk_window`, whose image is the output."""
    (_, out_h, out_w, out_c), (_, in_h, in_w, _) = (
        dims(graph, op.outputs[0]),
        dims(graph, op.inputs[0]),
    )
    window = op.attrs.window
    return {
        "in_h": out_h,
        "in_w": out_w,
        "in_c": out_c,
        "out_h": in_h,
        "out_w": in_w,
        "filter_h": window.size[0],
        "filter_w": window.size[1],
        "stride_h": window.stride[0],
        "stride_w": window.stride[1],
        "dilation_h": 1,
        "dilation_w": 1,
        "pad_top": window.pad.top,
        "pad_left": window.pad.left,
    }


def _lower(graph: Graph, op: Op) -> Lowering:
    weights = _linear.weights(graph, op)
    _, multiplier, shift = _linear.constants(graph, op, 0)
    assert op.inputs[0] is not None
    image = graph.tensors[op.inputs[0]]
    low, high = meaning.output_range(graph, op)
    to = {"zero_point": graph.tensors[op.outputs[0]].zero_point, "low": low, "high": high}
    call = Call(
        "tk_transpose_conv_s8",
        (
            Input(),
            Constant("filter", weights.reshape(weights.shape[0], -1)),
            Constant("bias", meaning.bias(graph, op)),
            multiplier,
            shift,
            Output(),
        ),
        "tk_transpose_conv_params",
        {
            "at": _window(graph, op),
            "image_c": image.shape[3],
            "zero_point": image.zero_point,
            "to": {**to, "any_shift": 1},
        },
    )
    return Lowering((call,))


KINDS = ("transpose_conv",)
KERNELS = (Kernel("transpose_conv_s8", "tk_transpose_conv.h", _lower),)
