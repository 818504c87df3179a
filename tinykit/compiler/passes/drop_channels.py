"""Removes channels that nobody needs or that have one value whatever the input."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph, Op, Quantization, Tensor
from tinykit.compiler.ops import _binary, _linear, _slices
from tinykit.compiler.passes import channel_links
from tinykit.compiler.passes.channel_links import Mask
from tinykit.compiler.passes.channel_ranges import Range, channels, few_channels, ranges

_MULTIPLE = 4  # channels: kernels for words lose more on a rest than on a channel


def drop_channels(graph: Graph) -> Graph:
    """Cut dead and constant channels out of all tensors.

    Training leaves filters of zeros behind, biases that a ReLU always clamps, and channels that
    only zeros read. What a constant channel adds to the sums of the layers behind it goes into
    their biases, so every result stays as it was. Tensors that lose channels get other numbers.
    """
    if not few_channels(graph):
        return graph
    found = ranges(graph)
    kept = channel_links.needed(graph, found, _MULTIPLE)
    if all(mask.all() for mask in kept.values()):
        return graph
    return _Cut(graph, found, kept).graph()


class _Cut:
    """One run of the pass: what is left of each tensor and op."""

    def __init__(self, graph: Graph, found: Mapping[int, Range], kept: Mapping[int, Mask]) -> None:
        self.source = graph
        self.ranges = found
        self.kept = kept
        self.tensors = dict(graph.tensors)
        self.numbers: dict[int, int] = {}  # of values that lose channels: their new ones
        for key, mask in kept.items():
            if not mask.all():
                tensor = graph.tensors[key]
                shape = (*tensor.shape[:-1], int(mask.sum()))
                self.numbers[key] = self._add(dataclasses.replace(tensor, shape=shape))

    def graph(self) -> Graph:
        """Return the graph with all ops on the tensors that are left."""
        cut = [self._op(op) for op in self.source.ops]
        for key in self.numbers:
            del self.tensors[key]
        return dataclasses.replace(self.source, tensors=self.tensors, ops=cut)

    def _add(self, tensor: Tensor) -> int:
        key = max(self.tensors) + 1
        self.tensors[key] = tensor
        return key

    def _op(self, op: Op) -> Op:
        if not self.numbers.keys() & {*op.inputs, *op.outputs}:
            return op
        inputs = [None if key is None else self.numbers.get(key, key) for key in op.inputs]
        result = self.kept[op.outputs[0]]
        attrs = op.attrs
        if channel_links.is_linear(self.source, op):
            inputs[1:] = self._filter_and_bias(op, result)
        elif op.kind == "depthwise_conv2d":
            inputs[1:] = [None if key is None else self._part(key, result) for key in inputs[1:]]
        elif isinstance(ops.rule(op), _binary.BinaryRule):
            inputs = [
                self._part(key, result) if key not in self.kept else new
                for key, new in zip(op.inputs, inputs, strict=True)
            ]
        elif isinstance(ops.rule(op), _slices.SliceRule):
            attrs = dataclasses.replace(attrs, size=(*attrs.size[:-1], int(result.sum())))
        outputs = tuple(self.numbers.get(key, key) for key in op.outputs)
        return dataclasses.replace(op, inputs=tuple(inputs), outputs=outputs, attrs=attrs)

    def _part(self, key: int | None, mask: Mask) -> int:
        """Return a constant that has only the channels of `mask` along its last axis."""
        assert key is not None
        tensor = self.source.tensors[key]
        if channels(tensor) != mask.size or mask.all():
            return key
        assert tensor.data is not None
        return self._constant(tensor, tensor.data[..., mask], mask)

    def _constant(self, tensor: Tensor, data: NDArray, mask: Mask) -> int:
        """Add what is left of a constant; scales of channels go with the channels of `mask`."""
        quantization = tensor.quantization
        if quantization is not None and not quantization.per_tensor:
            quantization = Quantization(
                quantization.scale[mask], quantization.zero_point[mask], quantization.axis
            )
        data.flags.writeable = False
        return self._add(
            dataclasses.replace(tensor, shape=data.shape, data=data, quantization=quantization)
        )

    def _filter_and_bias(self, op: Op, result: Mask) -> list[int | None]:
        """Cut a filter along inputs and outputs, and add to the bias what is no longer summed."""
        source, key = op.inputs[0], op.inputs[_linear.FILTER]
        assert source is not None and key is not None
        weights = self.source.tensors[key]
        given = self.kept.get(source, np.ones(channels(self.source.tensors[source]), bool))
        taps = channel_links.taps(self.source, op)[result]
        centred = self.ranges[source].low - self.source.tensors[source].zero_point
        # the others that go are multiplied by zeros, or have none of this op's outputs left
        gone = ~given & channel_links.absorbed(self.source, op, self.ranges[source])
        lost = (taps[:, :, gone] * centred[gone]).sum((1, 2))
        left = taps[:, :, given].astype(weights.dtype)
        shape = (left.shape[0], *weights.shape[1:-1], -1)
        cut = self._constant(weights, left.reshape(shape), result)
        bias = op.inputs[_linear.BIAS] if len(op.inputs) > _linear.BIAS else None
        if bias is None and not lost.any():
            return [cut] if len(op.inputs) == _linear.BIAS else [cut, None]
        given_bias = _linear.bias(self.source, op)
        values = (given_bias[result] + lost).astype(given_bias.dtype)
        name = f"{weights.name}_bias"
        before = self.source.tensors[bias] if bias is not None else Tensor(name, (), values.dtype)
        return [cut, self._constant(before, values, result)]
