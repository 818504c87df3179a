"""From a plan to C: `tk_model.c`, its header, its weights and the kernel headers it includes.

Deterministic: the same model, core and version give the same bytes. What the text looks like is
the business of `templates/`; this module gathers what goes into it.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

import tinykit
from tinykit.compiler import copies, ctext
from tinykit.compiler.constants import ConstantPool
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Argument,
    Call,
    Constant,
    Input,
    Loop,
    Output,
    Scratch,
    Target,
    Varying,
    varies,
)
from tinykit.compiler.plan import Plan, Span

KERNEL_DIR = Path(__file__).resolve().parent.parent / "kernels"
_TEMPLATES = Path(__file__).resolve().parent / "templates"
_OWN_FILES = ("tk_model.c", "tk_model.h", "tk_model_weights.h")
_INCLUDE = re.compile(r'^#include "(tk_\w+\.h)"', re.MULTILINE)


def sources(graph: Graph, plan: Plan, target: Target, macs: int) -> dict[str, str]:
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
        Multiply-accumulates of one inference.
    """
    writer = _Writer(graph, plan, target)
    headers = sorted(frozenset().union(*(step.kernel.headers for step in plan.steps)))
    values = {
        "name": ctext.comment(graph.name),
        "version": tinykit.__version__,
        "sha256": graph.sha256,
        "core": target.core.name,
        "mode": target.mode,
        "plan": plan,
        "macs": macs,
        "headers": headers,
        "memory_map": _memory_map(plan),
        "ops": [writer.op(position) for position in range(len(plan.steps))],
        "copies": writer.copies(),
        "inputs": [writer.end(key, writable=True) for key in graph.inputs],
        "outputs": [writer.end(key, writable=False) for key in graph.outputs],
        "cast_note": _cast_note(graph),
        "reset": writer.reset(),
        # last: the calls above fill the pool
        "constants": writer.pool.definitions(),
        "constant_bytes": writer.pool.bytes,
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


def _cast_note(graph: Graph) -> str:
    """Return how the header says that an input or output is wider than a byte; "" when none is."""
    ends = (graph.tensors[key].dtype for key in (*graph.inputs, *graph.outputs))
    wide = next((dtype.name for dtype in ends if dtype.itemsize > 1), None)
    if wide is None:
        return ""
    return f"\n * Aligned for its type: ({wide}_t *)(void *)tk_model_input(0)."


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


class _Tables:
    """Numbers that change from round to round of a loop over `i`, as C expressions."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, ...], str] = {}

    @property
    def definitions(self) -> list[str]:
        """Return the arrays that the expressions name."""
        return [
            f"static const {_narrowest(values)} {name}[{len(values)}] = "
            f"{{{', '.join(map(str, values))}}};"
            for values, name in self._names.items()
        ]

    def text(self, number: Varying | None, start: int = 0) -> str:
        """Return `start` plus what changes."""
        if number is None:
            return str(start)
        values = tuple(start + value for value in number.values)
        step = values[1] - values[0]
        if all(b - a == step for a, b in itertools.pairwise(values)):
            moved = f"{'-' if step < 0 else '+'} {abs(step)} * i"
            return f"{values[0]} {moved}" if values[0] else moved.removeprefix("+ ")
        name = self._names.setdefault(values, f"values_{len(self._names) + 1}")
        return f"{name}[i]"

    def texts(self, params: Any) -> Any:
        """Return parameters with expressions for what changes."""
        match params:
            case Mapping():
                return {name: self.texts(value) for name, value in params.items()}
            case tuple():
                return tuple(map(self.texts, params))
            case Varying():
                return self.text(params)
        return params


class _Writer:
    """Names and texts of one model's ops."""

    def __init__(self, graph: Graph, plan: Plan, target: Target) -> None:
        self.graph = graph
        self.plan = plan
        self.pool = ConstantPool()
        self._copies = copies.assign(graph, plan.steps, target.mode)
        highest = max((step.op.index for step in plan.steps), default=0)
        self._digits = max(2, len(str(highest)))
        self._functions = self._function_names()

    def copies(self) -> list[copies.Copy]:
        """Return the shared copies of kernels, in order of first use."""
        return list({copy.name: copy for copy in self._copies.values()}.values())

    def op(self, position: int) -> dict[str, Any]:
        """Return what the template says about one op."""
        step = self.plan.steps[position]
        return {
            "index": step.op.index,
            "comment": self._comment(position),
            "function": self._functions[position],
            "blocks": list(self._blocks(position)),
            "outputs": [
                {"pointer": self._pointer(key), "bytes": self.graph.tensors[key].nbytes}
                for key in step.op.outputs
            ],
        }

    def end(self, key: int, *, writable: bool) -> dict[str, Any]:
        """Return what the template says about a model input or output."""
        tensor = self.graph.tensors[key]
        pointer = self._pointer(key)
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

    def reset(self) -> list[str]:
        """Return the statements that give every state its initial value."""
        lines = []
        for key, place in sorted(self.plan.places.items()):
            tensor = self.graph.tensors[key]
            if not tensor.state:
                continue
            zero = tensor.zero_point if tensor.quantization is not None else 0
            initial = tensor.data if tensor.data is not None else np.full(1, zero, tensor.dtype)
            raw = np.frombuffer(initial.tobytes(), np.uint8)
            if (raw == raw[0]).all():
                lines.append(f"memset(STATE({place.offset}), {raw[0]}, {tensor.nbytes});")
                continue
            row = _period(initial)
            name = self.pool.name(f"t{key}_initial", row)
            if row.size == initial.size:
                lines.append(f"memcpy(STATE({place.offset}), {name}, {tensor.nbytes});")
            else:
                lines += [
                    f"for (int32_t i = 0; i < {tensor.nbytes}; i += {row.nbytes}) {{",
                    f"    memcpy(STATE({place.offset}) + i, {name}, {row.nbytes});",
                    "}",
                ]
        return lines

    def _function_names(self) -> list[str]:
        """Return `op03_conv2d` for each position; ops with the same number count on."""
        names: list[str] = []
        for step in self.plan.steps:
            wanted = f"op{step.op.index:0{self._digits}}_{ctext.identifier(step.op.kind)}"
            name, count = wanted, 1
            while name in names:
                count += 1
                name = f"{wanted}_{count}"
            names.append(name)
        return names

    def _blocks(self, position: int) -> Iterator[dict[str, Any]]:
        """Yield what the template says about each call, or about calls that are repeated."""
        lowering = self.plan.steps[position].lowering
        loops = {loop.first: loop for loop in lowering.loops}
        at = 0
        while at < len(lowering.calls):
            loop, tables = loops.get(at, Loop(at, at + 1, 0)), _Tables()
            yield {
                "count": loop.count,
                "calls": [
                    self._call(position, call, tables) for call in lowering.calls[at : loop.end]
                ],
                "tables": tables.definitions,
            }
            at = loop.end

    def _call(self, position: int, call: Call, tables: _Tables) -> dict[str, Any]:
        """Return a call's text and, unless they are in a shared copy, its parameters."""
        op = self.plan.steps[position].op
        arguments = [self._argument(position, op, argument, tables) for argument in call.arguments]
        copy = self._copies.get(copies.key(call))
        when = tables.text(call.when) if call.when else None
        if copy and copy.params is not None:
            return {"when": when, "params": None, "text": ctext.call(copy.name, arguments, 4)}
        function = copy.name if copy else call.function
        return {
            "when": when,
            "params": tables.texts(call.params),
            "storage": "const" if varies(call.params) else "static const",
            "struct": call.struct,
            "text": ctext.call(function, [*arguments, "&params"], 4),
        }

    def _argument(self, position: int, op: Op, argument: Argument, tables: _Tables) -> str:
        match argument:
            case Constant():
                wanted = f"w{op.index:0{self._digits}}_{argument.role}"
                name = self.pool.name(wanted, argument.data, argument.align)
                return f"{name} + {tables.text(argument.moves)}" if argument.moves else name
            case Scratch():
                start = self.plan.scratch[position].offset + argument.offset
                place = f"ARENA({tables.text(argument.moves, start)})"
                plain = argument.ctype == "int8_t"
                return place if plain else f"({argument.ctype} *)(void *){place}"
            case Input():
                key = op.inputs[argument.position]
                assert key is not None
            case Output():
                key = op.outputs[argument.position]
        return self._pointer(key, argument.offset, argument.moves, tables, argument.as_bytes)

    def _pointer(
        self,
        key: int,
        offset: int = 0,
        moves: Varying | None = None,
        tables: _Tables | None = None,
        as_bytes: bool = False,
    ) -> str:
        """Return an expression for the address `offset` bytes into a tensor."""
        tensor, place = self.graph.tensors[key], self.plan.places[key]
        if place.memory == "constant":
            assert tensor.data is not None and moves is None
            name = self.pool.name(f"t{key}_{ctext.identifier(tensor.name)[:24]}", tensor.data)
            if offset:
                name = f"{name} + {offset // tensor.dtype.itemsize}"
            return f"(const int8_t *)({name})" if as_bytes and tensor.dtype != np.int8 else name
        where = (tables or _Tables()).text(moves, place.offset + offset)
        address = f"{place.memory.upper()}({where})"
        plain = as_bytes or tensor.dtype == np.int8
        return address if plain else f"({tensor.dtype.name}_t *)(void *){address}"

    def _comment(self, position: int) -> str:
        """Return `op 3: conv2d 3x3  [1,25,5,64] -> [1,25,5,64], in place`."""
        step = self.plan.steps[position]
        op, tensors = step.op, self.graph.tensors
        reads = [tensors[key] for key in op.inputs if key is not None]
        inputs = ", ".join(ctext.shape(t.shape) for t in reads if t.data is None or t.state)
        outputs = ", ".join(ctext.shape(tensors[key].shape) for key in op.outputs)
        text = f"op {op.index}: {op.kind}{_geometry(op)}  {inputs} -> {outputs}"
        if step.lowering.view:
            return text + (", in the state" if step.lowering.calls else ", the same bytes: no code")
        shared = self.plan.shared_bytes(position)
        if not shared:
            return text
        starts = {s.offset for key in op.inputs if key is not None and (s := self.plan.span(key))}
        target = self.plan.span(op.outputs[0])
        if target and target.offset in starts:
            return text + ", in place"
        return text + f", {shared:,} B shared with its input"


def _narrowest(values: Iterable[int]) -> str:
    """Return the smallest C type that holds all `values`."""
    reach = max(max(value, -value - 1) for value in values)
    return next(f"int{bits}_t" for bits in (8, 16, 32) if reach < 1 << (bits - 1))


def _period(values: NDArray[Any]) -> NDArray[Any]:
    """Return the shortest row that `values` repeats, along any axis; all of them if it does not."""
    flat = values.reshape(-1)
    for axis in range(values.ndim, -1, -1):
        row = flat[: math.prod(values.shape[axis:])]
        if (flat.reshape(-1, row.size) == row).all():
            return row
    return flat


def _geometry(op: Op) -> str:
    """Return ` 3x3 stride 2x2` for ops with a window."""
    window = getattr(op.attrs, "window", None)
    if window is None:
        return ""
    text = f" {window.size[0]}x{window.size[1]}"
    if window.stride != (1, 1):
        text += f" stride {window.stride[0]}x{window.stride[1]}"
    if window.dilation != (1, 1):
        text += f" dilation {window.dilation[0]}x{window.dilation[1]}"
    return text
