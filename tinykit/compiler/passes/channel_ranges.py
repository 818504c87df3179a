"""Which values each channel of each tensor can have, whatever the input: intervals, op by op.

A channel is an index along the last axis. The bounds hold for every element of the channel and
follow from filters, biases and clamps alone: a filter of zeros gives one value, and so does a bias
that an activation clamps in every case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import arithmetic, ops
from tinykit.compiler.ir import Graph, Op, Tensor
from tinykit.compiler.ops import _linear, _lookup, _pool, _window, mean

Int64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Range:
    """Bounds of each channel, both inclusive, int64 (channels,)."""

    low: Int64
    high: Int64

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Whether each channel has one value only, (channels,)."""
        return self.low == self.high

    def with_value(self, value: int) -> Range:
        """Return the bounds when `value` occurs as well."""
        return Range(np.minimum(self.low, value), np.maximum(self.high, value))

    def every(self, channels: int) -> Range:
        """Return the bounds of all channels together, for each of `channels`."""
        return Range(np.full(channels, self.low.min()), np.full(channels, self.high.max()))


MAX_CHANNELS = 1 << 20
"""Of all tensors together: beyond it only a hostile file is, and it shall cost little."""


def few_channels(graph: Graph) -> bool:
    """Whether the graph has at most `MAX_CHANNELS`: bounds of each are kept, and tables of them."""
    return sum(map(channels, graph.tensors.values())) <= MAX_CHANNELS


def channels(tensor: Tensor) -> int:
    """Return the length of the last axis, 1 for a scalar."""
    return tensor.shape[-1] if tensor.shape else 1


def ranges(graph: Graph) -> dict[int, Range]:
    """Return the range of every tensor of the graph; that of its dtype for all but int8."""
    found: dict[int, Range] = {}
    for key, tensor in graph.tensors.items():
        found[key] = _of_constant(tensor) if _known(tensor) else _any(tensor)
    for op in graph.ops:
        rule = _RULES.get(op.kind)
        if rule is None and isinstance(ops.rules()[op.kind], _lookup.LookupRule):
            rule = _look_up
        if rule is not None and _is_plain(graph, op):
            found[op.outputs[0]] = rule(graph, op, [found[k] for k in op.inputs if k is not None])
    return found


def _is_plain(graph: Graph, op: Op) -> bool:
    """Whether the op makes no state, and reads int8 but for filters and biases."""
    first = graph.tensors[op.inputs[0]] if op.inputs and op.inputs[0] is not None else None
    narrow = first is not None and first.dtype == np.int8
    return narrow and not any(graph.tensors[key].state for key in op.outputs)


def _known(tensor: Tensor) -> bool:
    return tensor.data is not None and not tensor.state


def _of_constant(tensor: Tensor) -> Range:
    assert tensor.data is not None
    rows = tensor.data.reshape(-1, channels(tensor)).astype(np.int64)
    return Range(rows.min(0), rows.max(0))


def _any(tensor: Tensor) -> Range:
    whole = np.iinfo(tensor.dtype) if tensor.dtype.kind in "iu" else np.iinfo(np.int64)
    count = channels(tensor)
    return Range(np.full(count, whole.min, np.int64), np.full(count, whole.max, np.int64))


def _look_up(graph: Graph, op: Op, sources: list[Range]) -> Range:
    rule = ops.rule(op)
    assert isinstance(rule, _lookup.LookupRule)
    table = rule.table(graph, op).astype(np.int64)
    low, high = sources[0].low + 128, sources[0].high + 128
    pairs, which = np.unique(256 * low + high, return_inverse=True)
    parts = [table[pair // 256 : pair % 256 + 1] for pair in pairs]
    lows, highs = (np.array([pick(part) for part in parts]) for pick in (np.min, np.max))
    return Range(lows[which.reshape(-1)], highs[which.reshape(-1)])


def _linear_range(graph: Graph, op: Op, low: Int64, high: Int64) -> Range:
    """Return the outputs of accumulators between `low` and `high`: requantizing is monotonic."""
    return Range(
        _linear.requantize(graph, op, low).astype(np.int64),
        _linear.requantize(graph, op, high).astype(np.int64),
    )


def _centred(graph: Graph, op: Op, source: Range) -> tuple[Int64, Int64]:
    """Return the bounds less the zero point; padding is 0 there."""
    assert op.inputs[0] is not None
    zero_point = graph.tensors[op.inputs[0]].zero_point
    window = getattr(op.attrs, "window", None)
    if window is not None and window.pad != _window.Pad():
        source = source.with_value(zero_point)
    return source.low - zero_point, source.high - zero_point


def _filter(graph: Graph, op: Op) -> Int64:
    key = op.inputs[_linear.FILTER]
    assert key is not None
    data = graph.tensors[key].data
    assert data is not None
    return data.astype(np.int64)


def _products(weights: Int64, low: Int64, high: Int64) -> tuple[Int64, Int64]:
    """Return the least and the greatest of `weights` times a value of each channel (last axis)."""
    return np.minimum(weights * low, weights * high), np.maximum(weights * low, weights * high)


def _conv2d(graph: Graph, op: Op, sources: list[Range]) -> Range:
    least, most = _products(_filter(graph, op), *_centred(graph, op, sources[0]))
    return _linear_range(graph, op, least.sum((1, 2, 3)), most.sum((1, 2, 3)))


def _depthwise_conv2d(graph: Graph, op: Op, sources: list[Range]) -> Range:
    low, high = (np.repeat(v, op.attrs.multiplier) for v in _centred(graph, op, sources[0]))
    least, most = _products(_filter(graph, op), low, high)
    return _linear_range(graph, op, least.sum((0, 1, 2)), most.sum((0, 1, 2)))


def _fully_connected(graph: Graph, op: Op, sources: list[Range]) -> Range:
    weights = _filter(graph, op)
    depth, count = weights.shape[1], sources[0].low.size
    source = sources[0] if depth % count == 0 else sources[0].every(1)
    low, high = (np.tile(v, depth // v.size) for v in _centred(graph, op, source))
    least, most = _products(weights, low, high)
    units = _linear_range(graph, op, least.sum(1), most.sum(1))
    last = channels(graph.tensors[op.outputs[0]])
    return units if last == weights.shape[0] else units.every(last)


def _corners(graph: Graph, op: Op, sources: list[Range]) -> Range:
    """Return the range of an op that is monotonic in each of its two inputs."""
    first, second = sources
    rule = ops.rule(op)
    values = [
        rule.reference(graph, op, [a.astype(np.int8), b.astype(np.int8)])[0].astype(np.int64)
        for a in (first.low, first.high)
        for b in (second.low, second.high)
    ]
    last = channels(graph.tensors[op.outputs[0]])
    low, high = np.minimum.reduce(values), np.maximum.reduce(values)
    return Range(np.broadcast_to(low, (last,)), np.broadcast_to(high, (last,)))


def _pooled(graph: Graph, op: Op, sources: list[Range]) -> Range:
    limits = _pool.output_range(graph, op)
    return Range(np.clip(sources[0].low, *limits), np.clip(sources[0].high, *limits))


def _mean(graph: Graph, op: Op, sources: list[Range]) -> Range:
    assert op.inputs[0] is not None
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    count = source.size // result.size
    bounds = sources[0]
    if len(source.shape) - 1 in op.attrs.axes:
        bounds = bounds.every(channels(result))
    low, high = (
        arithmetic.multiply_by_quantized_multiplier(
            count * (values - source.zero_point), *mean.RULE.scaling(graph, op)
        )
        for values in (bounds.low, bounds.high)
    )
    limits = arithmetic.type_range(result.dtype)
    zero_point = result.zero_point
    return Range(np.clip(low + zero_point, *limits), np.clip(high + zero_point, *limits))


def _extreme(graph: Graph, op: Op, sources: list[Range]) -> Range:
    assert op.inputs[0] is not None
    if len(graph.tensors[op.inputs[0]].shape) - 1 not in op.attrs.axes:
        return sources[0]
    return sources[0].every(channels(graph.tensors[op.outputs[0]]))


def _padded(graph: Graph, op: Op, sources: list[Range]) -> Range:
    result = graph.tensors[op.outputs[0]]
    if not op.attrs.before:
        return sources[0]
    same = not op.attrs.before[-1] and not op.attrs.after[-1]
    return (sources[0] if same else sources[0].every(channels(result))).with_value(
        result.zero_point
    )


def _concatenated(graph: Graph, op: Op, sources: list[Range]) -> Range:
    lows, highs = [s.low for s in sources], [s.high for s in sources]
    if op.attrs.axis == len(graph.tensors[op.outputs[0]].shape) - 1:
        return Range(np.concatenate(lows), np.concatenate(highs))
    return Range(np.minimum.reduce(lows), np.maximum.reduce(highs))


def _sliced(graph: Graph, op: Op, sources: list[Range]) -> Range:
    """Return the range of a part of a tensor: of each channel where there are all of them."""
    last = channels(graph.tensors[op.outputs[0]])
    whole = (0, sources[0].low.size, 1)
    if last == sources[0].low.size and (
        (op.attrs.start[-1], op.attrs.size[-1], op.attrs.stride[-1]) == whole
    ):
        return sources[0]
    return sources[0].every(last)


def _moved(graph: Graph, op: Op, sources: list[Range]) -> Range:
    """Return the range of bytes under another shape: the same where the last axis stays."""
    last = channels(graph.tensors[op.outputs[0]])
    return sources[0] if last == sources[0].low.size else sources[0].every(last)


_RULES: dict[str, Callable[[Graph, Op, list[Range]], Range]] = {
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise_conv2d,
    "fully_connected": _fully_connected,
    **dict.fromkeys(("add", "sub", "mul", "minimum", "maximum"), _corners),
    **dict.fromkeys(("average_pool2d", "max_pool2d"), _pooled),
    "mean": _mean,
    **dict.fromkeys(("reduce_max", "reduce_min"), _extreme),
    "pad": _padded,
    "concatenation": _concatenated,
    **dict.fromkeys(("slice", "strided_slice"), _sliced),
    "resize_nearest_neighbor": lambda graph, op, sources: sources[0],
    **dict.fromkeys(("reshape", "squeeze", "expand_dims"), _moved),
}
