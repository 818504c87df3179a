"""From a plan to C: `tk_model.c`, its header, its weights and the kernel headers it includes.

Deterministic: the same model, core and version give the same bytes. What the text looks like is
the business of `templates/`; this module gathers what goes into it.
"""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

import tinykit
from tinykit.compiler import ctext, resettext
from tinykit.compiler.ir import Graph
from tinykit.compiler.lower import Target
from tinykit.compiler.optext import OpTexts
from tinykit.compiler.periods import output_periods, period, periods
from tinykit.compiler.plan import Plan, Span

KERNEL_DIR = Path(__file__).resolve().parent.parent / "kernels"
_TEMPLATES = Path(__file__).resolve().parent / "templates"
_OWN_FILES = ("tk_model.c", "tk_model.h", "tk_model_weights.h")
_INCLUDE = re.compile(r'^#include "(tk_\w+\.h)"', re.MULTILINE)


def sources(
    graph: Graph, plan: Plan, target: Target, macs: int, mean_macs: float
) -> dict[str, str]:
    """Return every file of the generated model by name, sorted.

    Parameters
    ----------
    graph : Graph
        After all passes.
    plan : Plan
        Of `graph`.
    target : Target
        Named in the header comment; its mode decides how kernels are shared.
    macs : int
        Multiply-accumulates of one inference, in a stream with phases of the costliest.
    mean_macs : float
        Their mean over a period.
    """
    texts = OpTexts(graph, plan, target)
    ops = [texts.op(position) for position in range(len(plan.steps))]
    headers = sorted(frozenset().union(*(step.kernel.headers for step in plan.steps)))
    values = {
        "name": ctext.comment(graph.name),
        "version": tinykit.__version__,
        "sha256": graph.sha256,
        "core": target.core.name,
        "mode": target.mode,
        "plan": plan,
        "macs": macs,
        "mean_macs": round(mean_macs),
        "period": period(graph),
        "output_periods": output_periods(graph),
        "headers": headers,
        "memory_map": _memory_map(plan),
        "ops": ops,
        "turns": _turns(graph, ops),
        "copies": texts.copies(),
        "inputs": [_end(graph, key, texts.pointer(key), writable=True) for key in graph.inputs],
        "outputs": [_end(graph, key, texts.pointer(key), writable=False) for key in graph.outputs],
        "cast_note": _cast_note(graph),
        "reset": resettext.statements(graph, plan, texts.pool),
        # last: the calls above fill the pool
        "constants": texts.pool.definitions(),
        "constant_bytes": texts.pool.bytes,
    }
    files = {name: _template(name).render(values) for name in _OWN_FILES}
    return files | kernel_headers(["tk_common.h", *headers])


def kernel_headers(names: list[str]) -> dict[str, str]:
    """Return the text of the named kernel headers and of all they include."""
    found: dict[str, str] = {}
    waiting = sorted(names)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = (KERNEL_DIR / name).read_text(encoding="utf-8")
            waiting.extend(_INCLUDE.findall(found[name]))
    return dict(sorted(found.items()))


def _turns(graph: Graph, ops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return ops that follow one another and work at every n-th inference together, with n."""
    each = itertools.groupby(zip(periods(graph), ops, strict=True), key=lambda pair: pair[0])
    return [{"every": every, "ops": [op for _, op in pairs]} for every, pairs in each]


def _cast_note(graph: Graph) -> str:
    """Return how the header says that an input or output is wider than a byte; "" when none is."""
    ends = (graph.tensors[key].dtype for key in (*graph.inputs, *graph.outputs))
    wide = next((dtype.name for dtype in ends if dtype.itemsize > 1), None)
    if wide is None:
        return ""
    return f"\n * Aligned for its type: ({wide}_t *)(void *)tk_model_input(0)."


def _end(graph: Graph, key: int, pointer: str, *, writable: bool) -> dict[str, Any]:
    """Return what the template says about a model input or output."""
    tensor = graph.tensors[key]
    if tensor.dtype != np.int8:
        pointer = f"({'' if writable else 'const '}int8_t *){pointer}"
    quantization = ""
    if tensor.quantization is not None and tensor.quantization.per_tensor:
        quantization = f", scale {tensor.scale!s}, zero point {tensor.zero_point}"
    return {
        "pointer": pointer,
        "bytes": tensor.nbytes,
        "dtype": tensor.dtype.name,
        "shape": ctext.shape(tensor.shape),
        "quantization": quantization,
    }


@functools.cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["grouped"] = "{:,}".format
    environment.filters["initialiser"] = ctext.initialiser
    return environment.get_template(f"{name}.j2")


def _memory_map(plan: Plan) -> list[str]:
    """Return a line for each span of the arena: bytes, ops, name."""
    spans = sorted((*plan.spans, *plan.scratch.values()), key=lambda s: (s.first, s.offset))
    width = len(str(plan.total_bytes))

    def number(position: int) -> str:
        if position < 0:
            return "in"
        return "out" if position >= len(plan.steps) else str(plan.steps[position].op.index)

    def line(span: Span) -> str:
        where = f"{span.offset:{width}} .. {span.offset + span.bytes:<{width}}"
        name = ctext.comment(span.name.split(";")[0])  # converters join the names of fused ops
        return f"{where}  {number(span.first):>3} - {number(span.last):<3}  {name}"

    return [line(span) for span in spans]
