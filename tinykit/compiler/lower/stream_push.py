"""The newest rows of a stream: moved up and appended to where they lie."""

from __future__ import annotations

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Call, Input, Kernel, Lowering, Output


def _lower(graph: Graph, op: Op) -> Lowering:
    assert op.inputs[1] is not None
    new = graph.tensors[op.inputs[1]].nbytes
    params = {"keep": graph.tensors[op.outputs[0]].nbytes - new, "add": new}
    call = Call(
        "tk_stream_push_s8",
        (Output(as_bytes=True), Input(1, as_bytes=True)),
        "tk_stream_push_params",
        params,
    )
    return Lowering((call,), view=True)  # the state itself, from here on


KINDS = ("stream_push",)
KERNELS = (Kernel("stream_push_s8", "tk_stream.h", _lower, reads=None),)
