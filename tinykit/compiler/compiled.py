"""The compiler's front door: bytes of a .tflite in, sources and plan out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tinykit import paths
from tinykit.board import Core
from tinykit.compiler import emit, ops, passes, streaming
from tinykit.compiler.chaining import chain
from tinykit.compiler.ir import Graph
from tinykit.compiler.lower import MODES, Mode, Target
from tinykit.compiler.passes import Dump
from tinykit.compiler.periods import output_periods, period, periods
from tinykit.compiler.plan import Plan
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.streaming import Stream
from tinykit.compiler.striping import STRIPES, Striping, stripe
from tinykit.errors import UsageError


@dataclass(frozen=True, eq=False)
class CompiledModel:
    """A model as C for one core.

    `source_graph` is the model as read; `graph` is what the passes made of it, `sources` maps file
    names to their text, `macs` counts the multiply-accumulates of one inference, in a stream with
    phases of the costliest. `stream` is there when the model was made to take the newest rows
    only; an inference is a hop then.
    """

    graph: Graph
    source_graph: Graph
    target: Target
    plan: Plan
    sources: dict[str, str]
    macs: int
    stream: Stream | None = None

    @property
    def sha256(self) -> str:
        """Hash of the .tflite."""
        return self.graph.sha256

    @property
    def period(self) -> int:
        """The number of inferences after which their work repeats: 1 but in streams with phases."""
        return period(self.graph)

    @property
    def mean_macs(self) -> float:
        """Multiply-accumulates of an inference, the mean over a period."""
        return _mean_macs(self.graph)

    def write(self, folder: Path) -> None:
        """Write the sources into `folder`, which is replaced whole, or not at all."""
        with paths.atomic_dir(folder) as temporary:
            for name, text in self.sources.items():
                (temporary / name).write_text(text, encoding="utf-8", newline="\n")

    def for_host(self) -> CompiledModel:
        """Return the model with kernels that the host can run, which give the same bytes.

        That is the model itself, unless it uses instructions that the host has not: then one with
        portable kernels only.
        """
        if all(step.kernel.runs_on_host for step in self.plan.steps):
            return self
        core = msgspec.structs.replace(self.target.core, kernels=("portable",))
        target = Target(core, self.target.mode)
        return _generate(self.graph, self.source_graph, target, self.stream, "off", chains=False)

    def plan_json(self) -> dict[str, Any]:
        """Return the plan as `plan.json` holds it, without what only linking can tell."""
        plan = self.plan
        return {
            "sha256": self.sha256,
            "core": self.target.core.name,
            "optimize": self.target.mode,
            "macs": self.macs,
            "arena_bytes": plan.arena_bytes,
            "scratch_bytes": plan.scratch_bytes,
            "state_bytes": plan.state_bytes,
            "lower_bound_bytes": plan.lower_bound_bytes,
            "optimal": plan.optimal,
            "hop_rows": self.stream.hop_rows if self.stream else None,
            "phases": self._phases_json(),
            "tensors": [
                {
                    "name": span.name,
                    "op_first": span.first,
                    "op_last": span.last,
                    "offset": span.offset,
                    "bytes": span.bytes,
                }
                for span in plan.spans
            ],
            "ops": [
                {**self._op_json(position), "live_bytes": live}
                for position, live in enumerate(plan.live_bytes())
            ],
        }

    def _phases_json(self) -> dict[str, Any] | None:
        if self.stream is None or self.period == 1:
            return None
        return {
            "period": self.period,
            "output_periods": output_periods(self.graph),
            "macs_mean": self.mean_macs,
        }

    def _op_json(self, position: int) -> dict[str, Any]:
        step = self.plan.steps[position]
        scratch = self.plan.scratch.get(position)
        shapes = self.graph.tensors
        return {
            "index": step.op.index,
            "kind": step.op.kind,
            "kernel": step.kernel.name,
            "macs": ops.rule(step.op).macs(self.graph, step.op),
            "inputs": [list(shapes[key].shape) for key in step.op.inputs if key is not None],
            "outputs": [list(shapes[key].shape) for key in step.op.outputs],
            "scratch_bytes": scratch.bytes if scratch else 0,
            "scratch_offset": scratch.offset if scratch else None,
            "every": periods(self.graph)[position],
            "in_place": self.plan.shared_bytes(position) > 0,
        }


def compile_model(
    data: bytes,
    core: Core,
    optimize: Mode = "balanced",
    name: str = "model",
    dump: Dump | None = None,
    stream: bool = False,
    stripes: Striping = "auto",
    phases: bool = False,
    chains: bool = True,
) -> CompiledModel:
    """Compile an int8 .tflite to C.

    Parameters
    ----------
    data : bytes
        The file.
    core : Core
        What it shall run on: decides which kernels are used.
    optimize : {"speed", "balanced", "size"}
        What matters more.
    name : str
        What the model is called in the generated files.
    dump : callable, optional
        Sees the graph as read and after each pass, as `passes.run` says.
    stream : bool
        Make a model that takes only the rows that are new since the last inference and gives what
        the model of the file gives for the whole window; see `tinykit.compiler.streaming`.
    stripes : {"auto", "off", "most"}
        Where chains of ops are carried out a few rows at a time; see
        `tinykit.compiler.striping.stripe`.
    phases : bool
        With `stream`: take one row at a time, and let layers behind a stride in time work at every
        2nd, 4th, ... inference.
    chains : bool
        Whether elementwise ops in a row share a loop where that costs nothing; see
        `tinykit.compiler.chaining.chain`.

    Raises
    ------
    ModelError
        When the file is corrupt, not fully int8, or uses what the compiler does not support; with
        `stream`, when the model cannot be streamed.
    UsageError
        When `optimize` or `stripes` is none of the three; with `phases` and not `stream`.
    """
    if optimize not in MODES:
        raise UsageError(f"optimize is {optimize!r}", "one of: " + ", ".join(MODES))
    if stripes not in STRIPES:
        raise UsageError(f"stripes is {stripes!r}", "one of: " + ", ".join(STRIPES))
    source_graph = read_tflite(data, name)
    graph, streamed = transform(source_graph, stream, dump, phases)
    return _generate(graph, source_graph, Target(core, optimize), streamed, stripes, chains)


def transform(
    source_graph: Graph, stream: bool = False, dump: Dump | None = None, phases: bool = False
) -> tuple[Graph, Stream | None]:
    """Return the graph that is compiled, and the stream when it is one.

    Raises
    ------
    ModelError
        With `stream`, when the model cannot be streamed.
    UsageError
        With `phases` and not `stream`.
    """
    if phases and not stream:
        raise UsageError("only a stream has phases", "[compile] stream = true, or --stream")
    graph = passes.run(source_graph, dump)
    if not stream:
        return graph, None
    streamed = streaming.stream(graph, phases)
    # what slid over a window may now see a pixel: some passes find work again
    return passes.run(streamed.graph, dump, "stream"), streamed


def _generate(
    graph: Graph,
    source_graph: Graph,
    target: Target,
    stream: Stream | None,
    stripes: Striping,
    chains: bool,
) -> CompiledModel:
    graph, planned = stripe(graph, target, stripes)
    if chains:
        graph, planned = chain(graph, planned, target)
    macs = sum(ops.rule(op).macs(graph, op) for op in graph.ops)
    files = emit.sources(graph, planned, target, macs, _mean_macs(graph))
    return CompiledModel(graph, source_graph, target, planned, files, macs, stream)


def _mean_macs(graph: Graph) -> float:
    """Return the multiply-accumulates of an inference, the mean over a period."""
    each = zip(graph.ops, periods(graph), strict=True)
    total = period(graph)
    return sum(ops.rule(op).macs(graph, op) * (total // every) for op, every in each) / total
