"""Which channels of which values anyone needs, and which ones only exist together.

A channel is an index along the last axis. Ops that work on each channel by itself tie those of
their inputs and outputs together: they stay or go as one. Convolutions and fully connected layers
do not: they choose what they read and what they write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import _binary, _linear, _lookup, _reduce, _slices, _window
from tinykit.compiler.passes.channel_ranges import Range, channels

Mask = NDArray[np.bool_]

_PER_CHANNEL = frozenset(
    {"average_pool2d", "max_pool2d", "resize_nearest_neighbor", "reshape", "squeeze", "expand_dims"}
)


def needed(graph: Graph, ranges: Mapping[int, Range], multiple: int = 1) -> dict[int, Mask]:
    """Return for each value which of its channels must be computed, bool (channels,).

    Parameters
    ----------
    ranges : mapping of tensor id to Range
        A channel with one value needs no computing where all that read it are layers which can
        take its contribution into their bias.
    multiple : int
        Counts are rounded up to multiples of this where there are as many channels. At least one
        channel stays.
    """
    values = {key: t for key, t in graph.tensors.items() if t.data is None or t.state}
    kept = {key: np.full(channels(t), t.state) for key, t in values.items()}
    for key in (*graph.inputs, *graph.outputs):
        if key in kept:
            kept[key][:] = True
    reads = {
        op.outputs[0]: _reads(graph, op, ranges)
        for op in graph.ops
        if is_linear(graph, op) and op.inputs[0] in kept
    }
    while _follow(graph, reads, kept) or _round_up(kept, multiple):
        pass
    return kept


def is_linear(graph: Graph, op: Op) -> bool:
    """Whether the op is a layer whose filter can be cut along both its channels."""
    if op.kind not in ("conv2d", "fully_connected"):
        return False
    weights, source = graph.tensors[op.inputs[1]], graph.tensors[op.inputs[0]]  # type: ignore[index]
    units = weights.shape[0]
    depth = weights.size // units
    return not depth % channels(source) and channels(graph.tensors[op.outputs[0]]) == units


def taps(graph: Graph, op: Op) -> NDArray[np.int64]:
    """Return the filter of a linear op, int64 (outputs, taps, input channels)."""
    source, weights = op.inputs[0], op.inputs[_linear.FILTER]
    assert source is not None and weights is not None
    data = graph.tensors[weights].data
    assert data is not None
    return data.astype(np.int64).reshape(len(data), -1, channels(graph.tensors[source]))


def absorbed(graph: Graph, op: Op, source: Range) -> Mask:
    """Return the input channels that add the same to every output of a linear op, (channels,).

    Those with one value, but beside padding, which is the zero point, only with that one.
    """
    window = getattr(op.attrs, "window", None)
    if window is None or window.pad == _window.Pad():
        return source.constant
    assert op.inputs[0] is not None
    return source.constant & (source.low == graph.tensors[op.inputs[0]].zero_point)


def _reads(graph: Graph, op: Op, ranges: Mapping[int, Range]) -> Mask:
    """Return which input channels each output of a linear op needs, bool (outputs, inputs)."""
    assert op.inputs[0] is not None
    used = (taps(graph, op) != 0).any(1)
    return used & ~absorbed(graph, op, ranges[op.inputs[0]])


def _follow(graph: Graph, reads: Mapping[int, Mask], kept: dict[int, Mask]) -> bool:
    """Keep what kept channels are made of or tied to; return whether that is more than before.

    reads : of each linear op, by its output, which inputs its outputs need.
    """
    before = _count(kept)
    for op in (*reversed(graph.ops), *graph.ops):
        result = op.outputs[0]
        if result in reads:
            source = op.inputs[0]
            assert source is not None
            kept[source] |= reads[result][kept[result]].any(0)
            continue
        pairs = _ties(graph, op, kept)
        if pairs is None:  # it mixes channels
            for key in (*op.inputs, *op.outputs):
                if key in kept:
                    kept[key][:] = True
            continue
        for first, second in pairs:
            first |= second
            second |= first
    return _count(kept) > before


def _round_up(kept: dict[int, Mask], multiple: int) -> bool:
    """Keep more channels of the values that have too few; return whether there was one."""
    short = False
    for mask in kept.values():
        count = int(mask.sum())
        goal = min(mask.size, max(1, -(-count // multiple) * multiple))
        if count < goal:
            mask[np.flatnonzero(~mask)[: goal - count]] = True
            short = True
    return short


def _count(kept: Mapping[int, Mask]) -> int:
    return sum(int(mask.sum()) for mask in kept.values())


def _ties(graph: Graph, op: Op, kept: dict[int, Mask]) -> Iterator[tuple[Mask, Mask]] | None:
    """Return views of the masks that are the same, or None when the op mixes channels."""
    result = op.outputs[0]
    sources = [key for key in op.inputs if key is not None]
    if len(op.outputs) > 1 or not sources:
        return None
    if op.kind == "depthwise_conv2d" and sources[0] in kept:
        multiplier = op.attrs.multiplier
        return ((kept[sources[0]], kept[result][i::multiplier]) for i in range(multiplier))
    if op.kind == "concatenation" and all(key in kept for key in sources):
        parts = [kept[result]] * len(sources)
        if op.attrs.axis == len(graph.tensors[result].shape) - 1:
            parts = np.split(kept[result], np.cumsum([kept[key].size for key in sources])[:-1])
        return zip((kept[key] for key in sources), parts, strict=True)
    if isinstance(ops.rule(op), _binary.BinaryRule):
        return _operands(sources, kept, kept[result])
    if len(sources) == 1 and sources[0] in kept and keeps_channels(graph, op):
        return iter([(kept[sources[0]], kept[result])])
    return None


def _operands(
    sources: list[int], kept: dict[int, Mask], result: Mask
) -> Iterator[tuple[Mask, Mask]]:
    """Yield the masks of each operand that has the channels of the result.

    Constants are cut to what is left; an operand with one value for all channels stays.
    """
    for key in sources:
        if key not in kept:
            continue
        if kept[key].size == result.size:
            yield kept[key], result
        else:
            kept[key][:] = True


def keeps_channels(graph: Graph, op: Op) -> bool:
    """Whether an op with one input computes each channel from the same one of its input."""
    assert op.inputs[0] is not None
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    if not source.shape or channels(source) != channels(result):
        return False
    rule, attrs = ops.rule(op), op.attrs
    if isinstance(rule, _lookup.LookupRule) or op.kind in _PER_CHANNEL:
        return True
    if isinstance(rule, _slices.SliceRule):
        whole = (0, channels(source), 1)
        kept_axis = len(result.shape) == len(source.shape) or channels(source) > 1
        return kept_axis and (attrs.start[-1], attrs.size[-1], attrs.stride[-1]) == whole
    if isinstance(rule, _reduce.ReduceRule):
        return len(source.shape) - 1 not in attrs.axes
    return op.kind == "pad" and not attrs.before[-1] and not attrs.after[-1]
