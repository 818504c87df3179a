"""Striped chains: no byte differs, no row is computed twice, and RAM is what is saved."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from image_network import ImageNetwork, mobilenet, resnet
from time_network import SAME, VALID

from tinykit.board import CORES
from tinykit.compiler import CompiledModel, compile_model, passes, reference
from tinykit.compiler.host import HostModel
from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Constant, Target
from tinykit.compiler.plan import Plan, plan
from tinykit.compiler.plan import schedule as schedule_ops
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.striping import search
from tinykit.compiler.striping.rows import activations, height, reads
from tinykit.compiler.striping.schedule import schedule
from tinykit.errors import UsageError

CORE = CORES["cortex-m3"]


def striped(compiled: CompiledModel) -> list[Op]:
    """Return the ops that are chains of others."""
    return [op for op in compiled.graph.ops if op.kind == "stripes"]


def assert_exact(compiled: CompiledModel, rows: int = 3) -> None:
    """The C gives the bytes of the graph that was read, which has no stripes."""
    graph = compiled.source_graph
    rng = np.random.default_rng(0)
    with HostModel(compiled, sanitize=True) as model:
        for _ in range(rows):
            shapes = [graph.tensors[key].shape for key in graph.inputs]
            inputs = [rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes]
            expected, _ = reference.run(graph, inputs)
            for got, output in zip(model.run(inputs), expected, strict=True):
                np.testing.assert_array_equal(got, output)


@st.composite
def images(draw: st.DrawFn) -> bytes:
    """Two to five layers over an image that grows at first, and an end of any kind."""
    size = draw(st.integers(9, 20))
    net = ImageNetwork((1, size, 4 * draw(st.integers(1, 3)), draw(st.integers(1, 4))))
    net.conv(8, (draw(st.integers(1, 5)), draw(st.integers(1, 3))), padding=SAME)
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "depthwise", "pool", "block", "leaky"]))
        stride = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
        padding = draw(st.sampled_from([SAME, VALID]))
        sizes = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
        tall = net.shape[1] > 5 and net.shape[2] > 3
        if kind == "conv" and tall:
            dilation = (draw(st.integers(1, 2)), 1) if stride == (1, 1) else (1, 1)
            net.conv(4 * draw(st.integers(1, 3)), sizes, stride, dilation, padding)
        elif kind == "depthwise" and tall:
            net.depthwise(sizes, stride, padding=padding)
        elif kind == "pool" and tall:
            net.pool(draw(st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D"])), sizes, stride)
        elif kind == "block":
            net.block(8, draw(st.integers(1, 2)))
        else:
            net.leaky()
    end = draw(st.sampled_from(["dense", "mean", "pool", "none"]))
    if end == "dense":
        net.dense(draw(st.integers(1, 5)))
    elif end == "mean":
        net.mean(1, 2)
    elif end == "pool":
        net.pool("AVERAGE_POOL_2D", net.shape[1:3])
    return net.build()


@pytest.mark.host
@hypothesis.settings(max_examples=4)
@hypothesis.given(data=images())
def test_random_images(data: bytes) -> None:
    """Wherever a byte can be saved, under the sanitizers."""
    compiled = compile_model(data, CORE, stripes="most")
    hypothesis.assume(striped(compiled))
    assert_exact(compiled)


@hypothesis.settings(max_examples=20)
@hypothesis.given(data=images(), rows=st.integers(1, 4))
def test_no_row_is_computed_twice(data: bytes, rows: int) -> None:
    """Rows are computed in order, once; and each is in its buffer when it is read."""
    graph = read_tflite(data)
    body = [op for op in graph.ops if len(graph.tensors[op.outputs[0]].shape) == 4]
    if body[-1].kind == "average_pool2d" and height(graph, body[-1].outputs[0]) == 1:
        body.pop()
    last = body[-1].outputs[0]
    found = schedule(graph, body, last, rows)
    done: dict[int, int] = {}
    for stripe, parts in enumerate(found.written):
        for op, part in zip(body, parts, strict=True):
            if part is None:
                continue
            assert done.get(op.outputs[0], 0) <= part[0] < part[1]
            done[op.outputs[0]] = part[1]
            need = reads(graph, op, part)
            for key in activations(graph, op):
                if key in found.buffers:
                    first, end = found.buffers[key].held[stripe]
                    assert first <= need[0] and need[1] <= end <= done[key]
    assert done[last] == height(graph, last)


def test_large_first_layers_are_striped() -> None:
    """MobileNet's first layers on 48 x 48 and a ResNet's blocks leave a quarter less, or better."""
    for data, part in ((mobilenet(48), 0.85), (resnet(), 0.7)):
        whole = compile_model(data, CORE, stripes="off")
        found = compile_model(data, CORE)
        assert not striped(whole) and len(striped(found)) == 1
        assert found.plan.total_bytes < part * whole.plan.total_bytes
        assert found.macs == whole.macs


@pytest.mark.host
def test_residual_blocks_are_exact() -> None:
    """A shortcut keeps its rows until the branch beside it has caught up."""
    net = ImageNetwork((1, 16, 16, 4)).conv(16, (3, 3), padding=SAME).block(16).block(16, 2)
    compiled = compile_model(net.dense(3).build(), CORE, stripes="most")
    assert {op.kind for op in striped(compiled)[0].attrs.body} >= {"add", "conv2d"}
    assert_exact(compiled)


@pytest.mark.public_models
@pytest.mark.host
def test_micro_speech_never_has_its_first_layer_as_a_whole(shared_models: Path) -> None:
    """Input and a row are enough: the layer's 4,000 bytes become sums row by row."""
    data = (shared_models / "micro_speech.tflite").read_bytes()
    compiled = compile_model(data, CORE)
    assert compiled.plan.total_bytes < 2300
    assert_exact(compiled)


def test_speed_is_not_traded_for_ram() -> None:
    """Optimized for speed there are no stripes, unless they are asked for."""
    data = mobilenet(32)
    assert not striped(compile_model(data, CORE, "speed"))
    assert striped(compile_model(data, CORE, "speed", stripes="most"))


def test_small_savings_are_not_worth_the_code() -> None:
    """A chain that lives in place already is left alone."""
    data = ImageNetwork((1, 12, 8, 8)).leaky().conv(8, (1, 1)).leaky().build()
    assert not striped(compile_model(data, CORE))


def test_a_kernel_works_in_one_way_in_all_stripes() -> None:
    """A chain of all layers saves more, but its first and last stripes are of other heights.

    The depthwise kernel goes through those the other way round. Both forms of its constants are
    there once each, however many stripes there are.
    """
    net = ImageNetwork((1, 49, 10, 1)).conv(84, (10, 4), padding=SAME).separable(112, 2)
    data = net.separable(84).separable(84).separable(196).mean(1, 2).build()
    chosen = {
        choice: compile_model(data, CORES["cortex-m4f"], stripes=choice)
        for choice in ("off", "auto", "most")
    }
    uneven = {
        choice: [step.kernel.uneven for step in model.plan.steps if step.op.kind == "stripes"]
        for choice, model in chosen.items()
    }
    assert uneven["off"] == [] and set(uneven["auto"]) == {False} and any(uneven["most"])
    assert chosen["auto"].plan.total_bytes < 0.65 * chosen["off"].plan.total_bytes
    weights = {choice: _constant_bytes(model) for choice, model in chosen.items()}
    assert weights["most"] < 1.2 * weights["off"]


def _constant_bytes(model: CompiledModel) -> int:
    arguments = (a for s in model.plan.steps for call in s.lowering.calls for a in call.arguments)
    arrays = {(a.data.dtype, a.data.tobytes()) for a in arguments if isinstance(a, Constant)}
    return sum(len(content) for _, content in arrays)


@pytest.mark.parametrize(("last", "kept"), [(4400, 5000), (4000, 4000)])
def test_later_chains_must_pay_again(last: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first chain saved is no excuse for a second one that saves a tenth."""
    totals = iter([5000, last])  # the whole network needs more

    def improved(*_: object) -> tuple[Graph, Plan] | None:
        total = next(totals, None)
        if total is None:
            return None
        return dataclasses.replace(graph), dataclasses.replace(empty, arena_bytes=total)

    graph, target = passes.run(read_tflite(mobilenet(48))), Target(CORE)
    empty = dataclasses.replace(plan(graph, schedule_ops(graph, target)), scratch_bytes=0)
    monkeypatch.setattr(search, "_improved", improved)
    assert search.stripe(graph, target, "auto")[1].total_bytes == kept


def test_unknown_choice_is_an_error() -> None:
    """The message has what is allowed."""
    with pytest.raises(UsageError, match="stripes is 'all'"):
        compile_model(mobilenet(32), CORE, stripes="all")  # type: ignore[arg-type]
