"""STREAM_PUSH, which no file has: the newest rows of a stream, kept from one inference to the next.

`tinykit.compiler.streaming` puts it in front of what looks back in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.ops import Array, OpRule, _legal, _moves


@dataclass(frozen=True)
class StreamPush:
    """The axis of time; every axis before it has size 1.

    Inputs: a state of L rows and n <= L new ones. Output: the newest L rows, oldest first. It takes
    the state's place, in memory and for the next inference, so nothing else may read the state.
    The new rows are there at `every` so many inferences; between them the state stands still.
    """

    axis: int
    every: int = 1


class _Rule(OpRule):
    kind, builtin = "stream_push", ""

    def parse(self, options: Any, graph: Graph, op: Op) -> StreamPush:
        raise NotImplementedError("no file has this op")

    def check(self, graph: Graph, op: Op) -> None:
        _legal.arity(op, 2)
        state, result = _moves.moved(graph, op)
        new, _ = _moves.moved(graph, op, 1)
        axis = op.attrs.axis
        _legal.require(state.state, op, f"its first input {state.name!r} is no state")
        readers = sum(other.inputs.count(op.inputs[0]) for other in graph.ops)
        _legal.require(readers == 1, op, f"state {state.name!r} is read {readers} times, not once")
        _legal.require(set(state.shape[:axis]) <= {1}, op, f"axis {axis} of {state.shape}")
        _legal.shape_is(op, result, state.shape)
        _legal.shape_is(op, new, _moves.replaced(state.shape, axis, new.shape[axis]), "new rows")
        _legal.require(
            new.shape[axis] <= state.shape[axis], op, "has more new rows than the state has"
        )

    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        state, new = inputs
        assert state is not None and new is not None
        axis = op.attrs.axis
        kept = np.split(state, [new.shape[axis]], axis)[1]
        return [np.concatenate([kept, new], axis)]

    def updates(self, op: Op) -> dict[int, int]:
        assert op.inputs[0] is not None
        return {op.inputs[0]: op.outputs[0]}


RULE = _Rule()
