"""One inference on a trace build: which op differs first, or what each op costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.periods import period
from tinykit.device.client import Client
from tinykit.device.divergence import first_divergence
from tinykit.device.result import DeviceResult
from tinykit.device.vectors import Vectors, parts
from tinykit.errors import TinykitError
from tinykit.firmware import build as builder
from tinykit.firmware import runners
from tinykit.pipeline import building, files, hops
from tinykit.pipeline.talking import client
from tinykit.progress import Progress
from tinykit.project import Project


@dataclass(frozen=True)
class Traced:
    """What a trace build tells: the cost of each op, the first op that differs."""

    costs: dict[int, float] | None = None  # by the op's number
    divergence: str | None = None


def run(project: Project, chosen: Vectors, result: DeviceResult, progress: Progress) -> Traced:
    """Run one input on a trace build: where the bytes differ, or, emulated, what each op costs.

    On real boards only a mismatch is worth flashing twice. The release firmware is put back.
    """
    first = result.first_mismatch
    if (result.exact and not project.board.emulator) or (first and first.what == "features"):
        return Traced()  # the front end is no op of the model
    progress("trace", 0, 1)
    runner = runners.runner(project.board)
    release = building.firmware(project)
    try:
        trace = builder.build(project.path(files.FIRMWARE), project.board, trace=True)
        runner.flash(trace, project.build, project.port)
        with client(project) as device:
            hello = device.hello()
            vector = first.vector if first else 0
            inputs = parts(chosen.x[vector], hello.input_bytes)
            if not result.exact:
                if project.config.compile.stream:
                    return Traced(divergence=hops.divergence(project, device, chosen.x, vector))
                return Traced(divergence=_divergence(project, device, inputs))
            device.reset()
            if project.config.compile.phases:
                inputs = _before_all_work(project, device, chosen)
            rows = device.trace(inputs)
            return Traced(
                {row.op: hello.cost(row.ticks, row.overhead_ticks) for row in rows if row.bytes}
            )
    except TinykitError as reason:
        return Traced(divergence=None if result.exact else f"unknown ({reason.message})")
    finally:
        runner.flash(release, project.build, project.port)
        progress("trace", 1, 1)


def _before_all_work(project: Project, device: Client, chosen: Vectors) -> list[NDArray[Any]]:
    """Send the hops after a reset up to the one at which every op works; return its inputs."""
    last = period(hops.compiled_stream(project).graph) - 1
    for row in chosen.x[:last]:
        device.infer([row])
    return [chosen.x[last]]


def _divergence(project: Project, device: Client, inputs: list[NDArray[Any]]) -> str:
    """Name the first op whose output is not the golden interpreter's."""
    data = project.path(files.TFLITE).read_bytes()
    settings = project.config.compile
    compiled = compile_model(
        data, project.board.processor, settings.optimize, stripes=settings.stripes
    )
    tensors = [compiled.graph.tensors[key] for key in compiled.graph.inputs]
    shaped = [
        x.view(tensor.dtype).reshape(tensor.shape)
        for x, tensor in zip(inputs, tensors, strict=True)
    ]
    with Golden(data) as golden:
        values = golden.tensors(shaped)
    expected = [
        (op.index, values[key].tobytes())
        for op in compiled.graph.ops
        for key in op.outputs
        if key in values
    ]
    found = first_divergence(device, inputs, expected)
    if found is None:
        return "none in the trace build: only the release build differs"
    kind = next(op.kind for op in compiled.graph.ops if op.index == found.op)
    return f"{kind}, {found}"
