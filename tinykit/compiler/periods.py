"""At which inferences each op works: at all of them, or in a stream with phases every n-th."""

from __future__ import annotations

import math

from tinykit.compiler.ir import Graph
from tinykit.compiler.ops.stream_push import StreamPush


def periods(graph: Graph) -> list[int]:
    """Return, for each op in order, n: it works at every n-th inference since the reset.

    What keeps rows of a stream says so itself. Everything else works when something that reads it
    does, and so its result lives within one inference, as in any other model.
    """
    wanted = dict.fromkeys(graph.outputs, 1)
    found = []
    for op in reversed(graph.ops):
        if isinstance(op.attrs, StreamPush):
            every = op.attrs.every
        else:
            every = math.gcd(*(wanted.get(key, 0) for key in op.outputs)) or 1
        found.append(every)
        for key in op.inputs:
            if key is not None:
                wanted[key] = math.gcd(wanted.get(key, 0), every)
    return found[::-1]


def period(graph: Graph) -> int:
    """Return the number of inferences after which their work repeats; the last does all of it."""
    return math.lcm(*periods(graph))


def output_periods(graph: Graph) -> list[int]:
    """Return, for each model output, n: it is new at every n-th inference, else as it was."""
    made = zip(graph.ops, periods(graph), strict=True)
    kept = {op.outputs[0]: every for op, every in made if isinstance(op.attrs, StreamPush)}
    return [kept.get(key, 1) for key in graph.outputs]
