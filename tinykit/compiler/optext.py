"""The ops of a model as C: a function for each, its calls, and where their arguments point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinykit.compiler import copies, ctext
from tinykit.compiler.constants import ConstantPool
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.looptext import Tables
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
from tinykit.compiler.ops import _composed
from tinykit.compiler.plan import Plan


class OpTexts:
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
                {"pointer": self.pointer(key), "bytes": self.graph.tensors[key].nbytes}
                for key in step.op.outputs
            ],
        }

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
            loop, tables = loops.get(at, Loop(at, at + 1, 0)), Tables()
            yield {
                "count": loop.count,
                "calls": [
                    self._call(position, call, tables) for call in lowering.calls[at : loop.end]
                ],
                "tables": tables.definitions,
            }
            at = loop.end

    def _call(self, position: int, call: Call, tables: Tables) -> dict[str, Any]:
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

    def _argument(self, position: int, op: Op, argument: Argument, tables: Tables) -> str:
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
        return self.pointer(key, argument.offset, argument.moves, tables, argument.as_bytes)

    def pointer(
        self,
        key: int,
        offset: int = 0,
        moves: Varying | None = None,
        tables: Tables | None = None,
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
        where = (tables or Tables()).text(moves, place.offset + offset)
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
        text = f"op {op.index}: {op.kind}{_details(op)}  {inputs} -> {outputs}"
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


def _details(op: Op) -> str:
    """Return ` 3x3 stride 2x2` for ops with a window, ` of 3 add > 4 tanh` for those of others."""
    body = getattr(op.attrs, "body", None)
    if body is not None:
        return f" of {_composed.body_text(body)}"
    window = getattr(op.attrs, "window", None)
    if window is None:
        return ""
    text = f" {window.size[0]}x{window.size[1]}"
    if window.stride != (1, 1):
        text += f" stride {window.stride[0]}x{window.stride[1]}"
    if window.dilation != (1, 1):
        text += f" dilation {window.dilation[0]}x{window.dilation[1]}"
    return text
