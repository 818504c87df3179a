"""Runs a graph in numpy: the executable specification that every generated kernel must match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinykit.compiler import ops
from tinykit.compiler.ir import Graph
from tinykit.compiler.ops import Array
from tinykit.compiler.periods import periods
from tinykit.errors import ModelError


def run(
    graph: Graph,
    inputs: Sequence[Array],
    states: Mapping[int, Array] | None = None,
    call: int = 0,
) -> tuple[list[Array], dict[int, Array]]:
    """Compute one inference.

    Parameters
    ----------
    graph : Graph
    inputs : sequence of arrays
        One for each graph input, of its shape and dtype.
    states : mapping of tensor id to array, optional
        Values of the state tensors before the inference; their initial values, or real zeros,
        where it says nothing. `next_states` gives those after it.
    call : int
        Which inference it is since the reset, from 1 on, in a stream with phases: ops that work
        at every n-th only are left out when it is not their turn. 0: all work.

    Returns
    -------
    outputs : list of arrays
        One for each graph output.
    tensors : dict of tensor id to array
        Every value of the inference, constants included; none of an op that was left out, but
        what it keeps.

    Raises
    ------
    ModelError
        When the inputs do not fit the graph.
    """
    if len(inputs) != len(graph.inputs):
        raise ModelError(f"model: {len(inputs)} inputs given, it has {len(graph.inputs)}")
    values: dict[int, Array] = {
        key: tensor.data for key, tensor in graph.tensors.items() if tensor.data is not None
    }
    for key, tensor in graph.tensors.items():
        if tensor.state and tensor.data is None:
            zero = tensor.zero_point if tensor.quantization is not None else 0
            values[key] = np.full(tensor.shape, zero, tensor.dtype)
    values.update(states or {})
    for key, value in zip(graph.inputs, inputs, strict=True):
        tensor = graph.tensors[key]
        if value.shape != tensor.shape or value.dtype != tensor.dtype:
            raise ModelError(
                f"model: input {tensor.name!r} is {value.dtype} {value.shape}, "
                f"should be {tensor.dtype} {tensor.shape}"
            )
        values[key] = value
    for op, every in zip(graph.ops, periods(graph), strict=True):
        rule = ops.rule(op)
        if call % every:
            values.update({kept: values[state] for state, kept in rule.updates(op).items()})
            continue
        given = [None if key is None else values[key] for key in op.inputs]
        results = rule.reference(graph, op, given)
        values.update(zip(op.outputs, results, strict=True))
    return [values[key] for key in graph.outputs], values


def next_states(graph: Graph, tensors: Mapping[int, Array]) -> dict[int, Array]:
    """Return the value of each state after the inference that gave `tensors`."""
    updates = {state: key for op in graph.ops for state, key in ops.rule(op).updates(op).items()}
    states = (key for key, tensor in graph.tensors.items() if tensor.state)
    return {key: tensors[updates.get(key, key)] for key in states}
