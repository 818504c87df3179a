"""Chains: elementwise ops in one loop, of the functions that their own kernels have for an element.

What lies between the ops is a local variable; inputs are read once where the ops would read what
others wrote, and the output may be written over any of them.
"""

from __future__ import annotations

import functools

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Argument,
    Call,
    Constant,
    Element,
    InPlace,
    Input,
    Kernel,
    Lowering,
    Operand,
    Output,
    Target,
    select,
)
from tinykit.compiler.passes.fold_views import VIEWS


def _lower(kernels: dict[Op, Kernel], graph: Graph, op: Op) -> Lowering:
    count = graph.tensors[op.outputs[0]].size
    arguments: list[Argument] = []
    values: dict[int | None, Operand] = {}  # of each tensor: where the loop has its element
    elements: list[Element] = []
    for part in op.attrs.body:
        if part.kind in VIEWS:
            values[part.outputs[0]] = values[part.inputs[0]]
            continue
        element = kernels[part].element
        assert element is not None
        call, operands = element(graph, part), []
        for argument in call.arguments:
            if isinstance(argument, Constant):
                operands.append(Operand("array", len(arguments)))
                arguments.append(argument)
                continue
            assert isinstance(argument, Input)
            key = part.inputs[argument.position]
            assert key is not None
            if key not in values:
                single = graph.tensors[key].size < count
                values[key] = Operand("only" if single else "element", len(arguments))
                arguments.append(Input(op.inputs.index(key)))
            operands.append(values[key])
        values[part.outputs[0]] = Operand("result", len(elements))
        elements.append(Element(call.function, tuple(operands), call.struct, call.params))
    call = Call("chain", (*arguments, Output()), "", {"count": count}, chain=tuple(elements))
    read = [argument.position for argument in arguments if isinstance(argument, Input)]
    return Lowering((call,), in_place=tuple(InPlace(input=i) for i in read))


def compose(graph: Graph, op: Op, target: Target) -> Kernel:
    """Return the kernel that carries out the ops of `op` as the target's kernels would."""
    kernels = {
        part: select(graph, part, target) for part in op.attrs.body if part.kind not in VIEWS
    }
    parts = tuple({kernel.name: kernel for kernel in kernels.values()}.values())
    name = "chain: " + ", ".join(kernel.name for kernel in parts)
    return Kernel(name, "", functools.partial(_lower, kernels), parts=parts)


KINDS = ("chain",)
