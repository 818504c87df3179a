"""Test vectors of a streamed model: the hops of one stream, with what the window model gives.

The rows of the windows that the project's vectors hold are sent one after the other; at each hop
the golden interpreter runs the window model over the newest rows.
"""

from __future__ import annotations

import math
import zlib

import numpy as np

from tinykit.compiler import compile_model, reference
from tinykit.compiler.golden import Golden
from tinykit.compiler.periods import output_periods, period, periods
from tinykit.compiler.streaming import Stream, past, sliding_windows
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
        data,
        project.board.processor,
        settings.optimize,
        stream=True,
        phases=settings.phases,
        stripes=settings.stripes,
    )
    assert compiled.stream is not None
    return compiled.stream


def vectors(project: Project, windows: Vectors) -> Vectors:
    """Return the hops of the stream that `windows` make, one after the other.

    With phases they are whole periods, so that means are. An output that is not new is what it was.

    x : int8 (hops, *shape of the streamed input);  y : int8 (hops, output elements).
    """
    stream = compiled_stream(project)
    (source,), (result,) = stream.window.inputs, stream.window.outputs
    time, shape = stream.times[source], stream.graph.tensors[source].shape
    whole_hops = windows.x.size // math.prod(shape)
    hops = windows.x.reshape(-1)[: whole_hops * math.prod(shape)].reshape(-1, *shape)
    count = min(whole_hops, max(len(windows.x), _WINDOWS * time.rows // stream.hop_rows))
    hops = hops[: count - count % period(stream.graph)]
    seen = [window for (window,) in (past(stream.window), *sliding_windows(stream, [hops]))]
    with Golden(project.path(files.TFLITE).read_bytes()) as golden:
        (whole,) = golden.run_many([np.stack(seen)])
    (every,) = output_periods(stream.graph)
    outputs = [
        stream.newest(result, whole[hop - hop % every].reshape(stream.window.tensors[result].shape))
        for hop in range(1, len(seen))
    ]
    return Vectors(x=hops, y=np.stack(outputs).reshape(len(hops), -1))


def divergence(project: Project, device: Client, x: np.ndarray, hop: int) -> str:
    """Name the first op that gives other bytes at `hop`; the hops before it are run again."""
    graph = compiled_stream(project).graph
    device.hello()
    states = None
    for call, row in enumerate(x[:hop], 1):
        device.infer([row])
        states = reference.next_states(graph, reference.run(graph, [row], states, call)[1])
    _, tensors = reference.run(graph, [x[hop]], states, hop + 1)
    turns = zip(graph.ops, periods(graph), strict=True)
    working = [op for op, every in turns if (hop + 1) % every == 0]
    should = {op.index: b"".join(tensors[key].tobytes() for key in op.outputs) for op in working}
    kinds = {op.index: op.kind for op in graph.ops}
    for trace in device.trace([x[hop]], len(working)):
        expected = should.get(trace.op)
        if expected is not None and (trace.bytes, trace.crc) != (
            len(expected),
            zlib.crc32(expected),
        ):
            return f"{kinds[trace.op]}, op {trace.op} at hop {hop}"
    return "none in the trace build: only the release build differs"
