"""Random graphs: the golden interpreter, numpy and C agree on every op; plans never overlap."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import single_op
from random_graphs import random_graph, random_graph_16x8

from tinykit.board import CORES
from tinykit.compiler import CompiledModel, compile_model, reference
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.compiler.lower import MODES
from tinykit.compiler.plan import Plan, Span

ROWS = 3
CORES_TRIED = ("cortex-m3", "cortex-m4f", "cortex-m55")


@pytest.fixture(scope="module")
def golden() -> Iterator[Golden]:
    """One interpreter process for all graphs."""
    with Golden(single_op.fully_connected()) as interpreter:
        yield interpreter


def assert_no_overlap(plan: Plan) -> None:
    """Bytes used at the same time are apart, except where the kernel of that op allows it."""
    assert plan.lower_bound_bytes <= plan.total_bytes
    used = [*plan.spans, *plan.scratch.values()]
    for span in used:
        assert 0 <= span.offset <= span.offset + span.bytes <= plan.total_bytes
    for a, b in itertools.combinations(used, 2):
        if min(a.last, b.last) < max(a.first, b.first):
            continue
        if a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset:
            continue
        source, result = (a, b) if a.first < b.first else (b, a)
        assert _in_place(plan, source, result), f"{source} and {result} overlap"


def _in_place(plan: Plan, source: Span, result: Span) -> bool:
    """Whether one op reads `source` for the last time, writes `result`, and may do so in place."""
    position = result.first
    if source.last != position or not 0 <= position < len(plan.steps) or not source.tensors:
        return False
    step, gap = plan.steps[position], source.offset - result.offset
    if any(pair.backwards for pair in step.lowering.in_place):
        gap = -gap
    reads = [i for i, key in enumerate(step.op.inputs) if key in source.tensors]
    writes = [i for i, key in enumerate(step.op.outputs) if key in result.tensors]
    allowed = {(pair.input, pair.output): pair for pair in step.lowering.in_place}
    pairs = [allowed.get(pair) for pair in itertools.product(reads, writes)]
    return bool(pairs) and all(
        pair is not None and (gap == 0 if pair.exact else gap >= pair.distance) for pair in pairs
    )


def _agree(data: bytes, golden: Golden, compiled: CompiledModel) -> None:
    """Assert that numpy gives every tensor of the golden interpreter, and C every one of numpy."""
    source, graph = compiled.source_graph, compiled.graph
    golden.load(data)
    stacked = single_op.inputs(data, ROWS)
    with HostModel(compiled) as model:
        for row in range(ROWS):
            inputs = [values[row] for values in stacked]
            expected = golden.tensors(inputs)
            outputs, tensors = reference.run(source, inputs)
            for op in source.ops:
                for key in op.outputs:
                    np.testing.assert_array_equal(tensors[key], expected[key], err_msg=str(op))
            after, tensors = reference.run(graph, inputs)
            for value, output in zip(after, outputs, strict=True):
                np.testing.assert_array_equal(value, output, err_msg="after the passes")
            assert model.trace(inputs) == [
                (op.index, tensors[key].tobytes()) for op in graph.ops for key in op.outputs
            ]


@pytest.mark.host
@pytest.mark.parametrize("seed", range(25))
def test_graph(seed: int, golden: Golden) -> None:
    """The interpreter, numpy and host C give the same bytes at every op; the plan is legal."""
    data = random_graph(random.Random(seed))
    compiled = compile_model(data, CORES[CORES_TRIED[seed % 3]], MODES[seed // 3 % 3])
    assert_no_overlap(compiled.plan)
    _agree(data, golden, compiled)


@pytest.mark.host
@pytest.mark.parametrize("seed", range(12))
def test_graph_16x8(seed: int, golden: Golden) -> None:
    """The same with int16 activations."""
    data = random_graph_16x8(random.Random(seed))
    compiled = compile_model(data, CORES[CORES_TRIED[seed % 3]], MODES[seed // 3 % 3])
    assert_no_overlap(compiled.plan)
    _agree(data, golden, compiled)


@pytest.mark.slow
@pytest.mark.host
@pytest.mark.timeout(3600)
@hypothesis.settings(
    max_examples=400, suppress_health_check=list(hypothesis.HealthCheck), deadline=None
)
@hypothesis.given(
    noise=st.randoms(use_true_random=False),
    draw=st.sampled_from([random_graph, random_graph_16x8]),
    core=st.sampled_from(CORES_TRIED),
    mode=st.sampled_from(MODES),
)
def test_any_graph(
    noise: random.Random,
    draw: Callable[[random.Random], bytes],
    core: str,
    mode: str,
    golden: Golden,
) -> None:
    """As above, for graphs that hypothesis draws, and shrinks when one fails."""
    data = draw(noise)
    compiled = compile_model(data, CORES[core], mode)  # type: ignore[arg-type]
    assert_no_overlap(compiled.plan)
    _agree(data, golden, compiled)
