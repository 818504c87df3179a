"""Which copy of a kernel each call uses.

Kernels are inlined where their parameters are literals, so each distinct set of parameters costs
code. Calls with equal parameters share one copy, which takes the pointers as arguments. When size
matters and a kernel is needed with many sets, one copy that reads them from a struct serves all.
The loop that is generated for a chain always is such a function.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from tinykit.compiler import ctext
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    Constant,
    Element,
    Input,
    Mode,
    Operand,
    Output,
    Params,
    Scratch,
    varies,
)
from tinykit.compiler.plan import Step

_MANY = 8  # sets of parameters from which on one general copy is smaller (-Os, Cortex-M4)


@dataclass(frozen=True)
class Copy:
    """A function of its own that holds one copy of a kernel."""

    name: str  # "conv2d_s8_1"
    function: str  # "tk_conv2d_s8"
    struct: str
    params: Params | None  # None: passed as the last argument
    ctypes: tuple[str, ...]  # of the pointers
    names: tuple[str, ...]
    chain: tuple[Element, ...] = ()
    users: list[int] = field(default_factory=list)  # numbers of the ops

    @property
    def signature(self) -> str:
        """Return the parameter list, wrapped below `static TK_NOINLINE void name(`."""
        last = [f"const {self.struct} *params"] if self.params is None else []
        pointers = map("{} *{}".format, self.ctypes, self.names)
        shared = not self.chain or len(self.users) > 1
        head = f"static {'TK_NOINLINE ' if shared else ''}void {self.name}"
        return ctext.call(head, [*pointers, *last], 0)

    @property
    def call(self) -> str:
        """Return the kernel call inside."""
        last = "params" if self.params is None else "&params"
        return ctext.call(self.function, [*self.names, last], 4)

    @property
    def statements(self) -> list[str]:
        """Return what the loop of a chain does with element `i`: one line for each of its steps."""
        lines = []
        for number, element in enumerate(self.chain, 1):
            operands = [self._operand(operand) for operand in element.operands]
            operands += [f"&p{number}"] if element.struct else []
            result = f"const int32_t v{number}" if number < len(self.chain) else "out[i]"
            lines.append(ctext.call(f"{result} = {element.function}", operands, 8) + ";")
        return lines

    def _operand(self, operand: Operand) -> str:
        if operand.kind == "result":
            return f"v{operand.position + 1}"
        index = {"element": "[i]", "only": "[0]", "array": ""}[operand.kind]
        return self.names[operand.position] + index


def assign(graph: Graph, steps: Sequence[Step], mode: Mode) -> dict[str, Copy]:
    """Return the copies by `key` of the calls that use them; other calls are inlined in place."""
    uses: dict[str, list[tuple[Op, Call]]] = {}
    for step in steps:
        for call in step.lowering.calls:
            uses.setdefault(key(call), []).append((step.op, call))
    sets: dict[str, int] = {}
    for group in uses.values():
        sets[group[0][1].function] = sets.get(group[0][1].function, 0) + 1

    copies: dict[str, Copy] = {}
    general: dict[tuple[object, ...], Copy] = {}
    for call_key, group in uses.items():
        op, call = group[0]
        ctypes, names = _pointers(graph, op, call)
        base = call.function.removeprefix("tk_")
        if mode == "size" and not call.chain and sets[call.function] >= _MANY:
            shape = (call.function, ctypes)
            if shape not in general:
                name = base + (f"_{len(general)}" if any(k[0] == shape[0] for k in general) else "")
                general[shape] = Copy(name, call.function, call.struct, None, ctypes, names)
            copy = general[shape]
        elif call.chain or (len(group) > 1 and not varies(call.params)):
            count = sum(other.function == call.function for other in copies.values())
            name = f"{base}_{count + 1}"
            copy = Copy(name, call.function, call.struct, call.params, ctypes, names, call.chain)
        else:
            continue
        copy.users.extend(user.index for user, _ in group)
        copies[call_key] = copy
    return copies


def key(call: Call) -> str:
    """Return what calls must have in common to share a specialised copy."""
    kinds = [getattr(argument, "ctype", type(argument).__name__) for argument in call.arguments]
    return json.dumps([call.function, call.struct, kinds, call.params, call.chain], default=repr)


def _pointers(graph: Graph, op: Op, call: Call) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the C types that a call's arguments point to, and a name for each."""
    ctypes: list[str] = []
    names: list[str] = []
    for argument in call.arguments:
        match argument:
            case Constant():
                ctype, name = f"const {argument.ctype}", argument.role
            case Scratch():
                ctype, name = argument.ctype, "scratch"
            case Input():
                source = op.inputs[argument.position]
                assert source is not None
                dtype = "int8" if argument.as_bytes else graph.tensors[source].dtype.name
                ctype, name = f"const {dtype}_t", "in"
            case Output():
                result = op.outputs[argument.position]
                dtype = "int8" if argument.as_bytes else graph.tensors[result].dtype.name
                ctype, name = f"{dtype}_t", "out"
        ctypes.append(ctype)
        names.append(name if name not in names else f"{name}{len(names)}")
    return tuple(ctypes), tuple(names)
