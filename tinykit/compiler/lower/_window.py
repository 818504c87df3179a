"""The initialisers of `tk_window`."""

from __future__ import annotations

from collections.abc import Mapping

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Params, dims
from tinykit.compiler.ops._window import Window


def params(graph: Graph, op: Op, window: Window, *, exchanged: bool = False) -> Params:
    """Return the geometry of `window` sliding over input 0; with height and width `exchanged`."""
    if exchanged:
        straight = params(graph, op, window)
        other = {"h": "w", "w": "h", "top": "left", "left": "top"}
        return {
            name: straight["_".join([start, other.get(end, end)])]
            for name in straight
            for start, end in [name.split("_")]
        }
    _, in_h, in_w, in_c = dims(graph, op.inputs[0])
    _, out_h, out_w, _ = dims(graph, op.outputs[0])
    return {
        "in_h": in_h,
        "in_w": in_w,
        "in_c": in_c,
        "out_h": out_h,
        "out_w": out_w,
        "filter_h": window.size[0],
        "filter_w": window.size[1],
        "stride_h": window.stride[0],
        "stride_w": window.stride[1],
        "dilation_h": window.dilation[0],
        "dilation_w": window.dilation[1],
        "pad_top": window.pad.top,
        "pad_left": window.pad.left,
    }


def grows(graph: Graph, op: Op) -> bool:
    """Whether each pixel of the output is made of the same one of the input, which is smaller.

    A kernel that goes from the last pixel to the first can then write over its input.
    """
    window, image, result = op.attrs.window, dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    return (
        window.size == (1, 1)
        and window.stride == (1, 1)
        and image[:3] == result[:3]
        and image[3] < result[3]
    )


def begun(params: Params, pad_top: int) -> Params:
    """Return a call's params with the window beginning `pad_top` rows above the image."""
    return {
        name: pad_top
        if name == "pad_top"
        else begun(value, pad_top)
        if isinstance(value, Mapping)
        else value
        for name, value in params.items()
    }
