"""Lets a convolution do the padding of the PAD before it: one buffer and one pass less."""

from __future__ import annotations

import dataclasses

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import _window

_CONVOLUTIONS = frozenset({"conv2d", "depthwise_conv2d"})


def fuse_padding(graph: Graph) -> Graph:
    """Merge PAD into the convolutions that read it.

    PAD writes the zero point, which is what a convolution takes its own padding to be, so the
    result is exact. Pooling is another matter: it leaves padding out of its windows. A PAD that
    something else reads as well stays.
    """
    pads = {op.outputs[0]: op for op in graph.ops if op.kind == "pad"}
    kept = []
    for op in graph.ops:
        pad = pads.get(op.inputs[0]) if op.inputs[0] is not None else None
        if op.kind in _CONVOLUTIONS and pad is not None:
            op = _fused(pad, op)
        kept.append(op)
    return dataclasses.replace(graph, ops=kept)


def _fused(pad: Op, convolution: Op) -> Op:
    """Return the convolution with the padding of `pad`, or unchanged where that is not possible."""
    before, after = pad.attrs.before, pad.attrs.after
    if len(before) != 4 or any((before[0], after[0], before[3], after[3])):
        return convolution  # more than height and width grows
    window = convolution.attrs.window
    own = window.pad
    grown = _window.Pad(
        own.top + before[1], own.bottom + after[1], own.left + before[2], own.right + after[2]
    )
    height, width = window.span
    if max(grown.top, grown.bottom) >= height or max(grown.left, grown.right) >= width:
        return convolution  # some windows would hold nothing but padding: kernels need not know
    attrs = dataclasses.replace(convolution.attrs, window=dataclasses.replace(window, pad=grown))
    return dataclasses.replace(
        convolution, inputs=(pad.inputs[0], *convolution.inputs[1:]), attrs=attrs
    )
