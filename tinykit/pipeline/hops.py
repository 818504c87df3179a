"""Test vectors of a streamed model: the hops of one stream, with what the window model gives.

The rows of the windows that the project's vectors hold are sent one after the other; at each hop
the golden interpreter runs the window model over the newest rows.
"""

from __future__ import annotations

import zlib

import numpy as np

from tinykit.compiler import compile_model, reference
from tinykit.compiler.golden import Golden
from tinykit.compiler.streaming import Stream, sliding_windows
from tinykit.device.client import Client
from tinykit.device.vectors import Vectors
from tinykit.pipeline import files
from tinykit.project import Project

_WINDOWS = 4
"""Hops are enough for so many whole windows, or as many as there are vectors."""


def compiled_stream(project: Project) -> Stream:
    """Return the project's model as a stream, as it was compiled."""
    data = project.path(files.TFLITE).read_bytes()
    settings = project.config.compile
    compiled = compile_model(
        data, project.board.processor, settings.optimize, stream=True, stripes=settings.stripes
    )
    assert compiled.stream is not None
    return compiled.stream


def vectors(project: Project, windows: Vectors) -> Vectors:
    """Return the hops of the stream that `windows` make, one after the other.

    x : int8 (hops, *shape of the streamed input);  y : int8 (hops, output elements).
    """
    stream = compiled_stream(project)
    (source,), (result,) = stream.window.inputs, stream.window.outputs
    time, shape = stream.times[source], stream.graph.tensors[source].shape
    hops = windows.x.reshape(-1, *shape)
    hops = hops[: max(len(windows.x), _WINDOWS * time.rows // stream.hop_rows)]
    stacked = np.concatenate([window for (window,) in sliding_windows(stream, [hops])])
    with Golden(project.path(files.TFLITE).read_bytes()) as golden:
        whole = golden.run_many([stacked.reshape(len(hops), *stream.window.tensors[source].shape)])
    outputs = [
        stream.newest(result, value.reshape(stream.window.tensors[result].shape))
        for value in whole[0]
    ]
    return Vectors(x=hops, y=np.stack(outputs).reshape(len(hops), -1))


def divergence(project: Project, device: Client, x: np.ndarray, hop: int) -> str:
    """Name the first op that gives other bytes at `hop`; the hops before it are run again."""
    graph = compiled_stream(project).graph
    device.hello()
    states = None
    for row in x[:hop]:
        device.infer([row])
        states = reference.next_states(graph, reference.run(graph, [row], states)[1])
    _, tensors = reference.run(graph, [x[hop]], states)
    should = {op.index: b"".join(tensors[key].tobytes() for key in op.outputs) for op in graph.ops}
    kinds = {op.index: op.kind for op in graph.ops}
    for trace in device.trace([x[hop]]):
        expected = should.get(trace.op)
        if expected is not None and (trace.bytes, trace.crc) != (
            len(expected),
            zlib.crc32(expected),
        ):
            return f"{kinds[trace.op]}, op {trace.op} at hop {hop}"
    return "none in the trace build: only the release build differs"
