"""Random window models over time, and what the tests of streams do with each of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import hypothesis
import hypothesis.strategies as st
import numpy as np
from time_network import TimeNetwork

from tinykit.compiler import passes, reference, streaming
from tinykit.compiler.golden import Golden
from tinykit.compiler.ir import Graph
from tinykit.compiler.periods import output_periods
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.streaming import Stream, past, sliding_windows
from tinykit.errors import ModelError


def streamed(data: bytes, phases: bool = False) -> Stream:
    """Return the stream of a model."""
    return streaming.stream(passes.run(read_tflite(data)), phases)


def spotter() -> bytes:
    """Return a keyword spotter with strides of 2 and 2 in time and no padding, weights of noise.

    49 rows of 10 coefficients, 64 channels, three separable layers; docs/performance.md has what
    it costs.
    """
    net = TimeNetwork((1, 49, 10, 1)).conv(64, (10, 4), (2, 2))
    for stride in (1, 2, 1):
        net.depthwise((3, 1), (stride, 1)).conv(64, (1, 1))
    return net.mean(1, 2).dense(12).softmax().build()


def hops_of(stream: Stream, count: int, seed: int = 0) -> np.ndarray:
    """Return `count` hops of noise, extremes among them."""
    shape = stream.graph.tensors[stream.graph.inputs[0]].shape
    hops = np.random.default_rng(seed).integers(-128, 128, (count, *shape)).astype(np.int8)
    hops[count // 2] = 127
    return hops


def expected(golden: Golden, data: bytes, stream: Stream, hops: np.ndarray) -> list[np.ndarray]:
    """Return what the golden window model gives at each hop.

    Where an output is new at every p-th hop only, what it gave at the last of them: before the
    first, over zero points.
    """
    golden.load(data)
    windows = [past(stream.window), *sliding_windows(stream, [hops])]
    given = golden.run_many([np.stack([window for (window,) in windows])])[0]
    (key,), (every,) = stream.window.outputs, output_periods(stream.graph)
    return [stream.newest(key, given[hop - hop % every]) for hop in range(1, len(windows))]


def agree(
    golden: Golden, data: bytes, run: Callable[[np.ndarray], np.ndarray], stream: Stream
) -> None:
    """Assert that `run`, given hop after hop, gives the window model's bytes for three windows."""
    rows = stream.times[stream.window.inputs[0]].rows
    hops = hops_of(stream, 3 * -(-rows // stream.hop_rows))
    for hop, should in enumerate(expected(golden, data, stream, hops)):
        np.testing.assert_array_equal(run(hops[hop]), should, err_msg=f"hop {hop}")


def in_numpy(graph: Graph) -> Callable[[np.ndarray], np.ndarray]:
    """Return a stateful numpy model."""
    states: dict[int, np.ndarray] = {}
    calls = itertools.count(1)

    def run(hop: np.ndarray) -> np.ndarray:
        nonlocal states
        outputs, tensors = reference.run(graph, [hop], states, next(calls))
        states = reference.next_states(graph, tensors)
        return outputs[0]

    return run


@st.composite
def networks(draw: st.DrawFn, most: int = 2) -> bytes:
    """A window model of up to five layers over time, of strides up to `most`, and an end."""
    steps, strides = st.integers(1, 2), st.integers(1, most)
    seed = draw(st.integers(0, 1 << 16))
    rows, width = draw(st.integers(12, 24)), draw(st.integers(1, 2))
    net = TimeNetwork((1, rows, width, draw(st.integers(1, 5))), seed)
    for _ in range(draw(st.integers(1, 5))):
        rows = net.shape[1]
        if rows < 6:
            break
        kind = draw(
            st.sampled_from(
                [
                    "conv",
                    "depthwise",
                    "average",
                    "max",
                    "crop",
                    "leaky",
                    "residual",
                    "beside",
                    "dense",
                ]
            )
        )
        size, stride = draw(st.integers(1, 3)), draw(strides)
        if kind == "conv":
            net.conv(draw(st.integers(1, 5)), (size, 1), (stride, 1), (draw(steps), 1))
        elif kind == "depthwise":
            net.depthwise((size, 1), (stride, 1), (draw(steps), 1))
        elif kind in ("average", "max"):
            net.pool(f"{kind}_pool_2d".upper(), (size, 1), (stride, 1))
        elif kind == "crop":
            start = draw(st.integers(0, 2))
            net.crop(start, (rows - start - 1) // stride, stride)
        elif kind == "leaky":
            net.leaky()
        elif kind == "residual":
            net.residual(size, draw(st.integers(0, size - 1)))
        elif kind == "beside":
            net.beside(draw(st.integers(1, 3)))
        else:
            net.dense(draw(st.integers(1, 4)), depth=net.shape[3])
    end = draw(st.sampled_from(["flatten", "column", "pool", "mean", "last", "rows"]))
    if end == "column":
        net.depthwise((net.shape[1], 1)).conv(3, (1, 1)).softmax()
    elif end == "pool":
        net.pool("AVERAGE_POOL_2D", net.shape[1:3], net.shape[1:3]).dense(3).softmax()
    elif end == "mean":
        net.mean(1, 2).dense(3)
    elif end == "last":
        net.crop(net.shape[1] - 1, 1).dense(2)
    elif end == "flatten":
        net.dense(3).softmax()
    return net.build()


def maybe_streamed(data: bytes, phases: bool = False) -> Stream:
    """Return the stream; a model whose strides leave nothing to reuse is not interesting here."""
    try:
        return streamed(data, phases)
    except ModelError as error:
        hypothesis.assume("nothing would be reused" not in error.message)
        raise
