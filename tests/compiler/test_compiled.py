"""Whole graphs through the compiler: unusual ends, and random networks that share memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import networks
import numpy as np
import pytest

from tinykit.board import CORES
from tinykit.compiler import compile_model, reference
from tinykit.compiler.host import HostModel
from tinykit.compiler.writer import TfliteWriter
from tinykit.errors import UsageError

CORE = CORES["cortex-m3"]


def _no_ops(writer: TfliteWriter, x: int, y: int) -> bytes:
    return writer.build([x], [x])


def _constant_output(writer: TfliteWriter, x: int, y: int) -> bytes:
    k = writer.constant("k", np.arange(4, dtype=np.int8), scale=0.1)
    writer.op("RELU", [x], [y])
    return writer.build([x], [y, k])


def _unused_input(writer: TfliteWriter, x: int, y: int) -> bytes:
    z = writer.tensor("z", (1, 9), np.int8, scale=0.1)
    writer.op("RELU", [x], [y])
    return writer.build([x, z], [y])


def _one_output_twice(writer: TfliteWriter, x: int, y: int) -> bytes:
    writer.op("RELU", [x], [y])
    return writer.build([x], [y, y])


def _input_is_an_output_too(writer: TfliteWriter, x: int, y: int) -> bytes:
    writer.op("RELU", [x], [y])
    return writer.build([x], [y, x])


def _both_operands_the_same(writer: TfliteWriter, x: int, y: int) -> bytes:
    writer.op("ADD", [x, x], [y], "AddOptions")
    return writer.build([x], [y])


def _constant_operand(writer: TfliteWriter, x: int, y: int) -> bytes:
    k = writer.constant("k", np.arange(4, dtype=np.int8).reshape(1, 4), scale=0.1)
    z = writer.tensor("z", (1, 8), np.int8, scale=0.1)
    writer.op("CONCATENATION", [x, k], [z], "ConcatenationOptions", axis=1)
    return writer.build([x], [z])


@pytest.mark.host
@pytest.mark.parametrize(
    "build",
    [
        _no_ops,
        _constant_output,
        _unused_input,
        _one_output_twice,
        _input_is_an_output_too,
        _both_operands_the_same,
        _constant_operand,
    ],
    ids=lambda build: build.__name__[1:],
)
def test_unusual_graphs(build: Callable[[TfliteWriter, int, int], bytes]) -> None:
    """Legal graphs that planners trip over give the reference's bytes."""
    writer = TfliteWriter()
    x, y = (writer.tensor(name, (1, 4), np.int8, scale=0.1) for name in "xy")
    compiled = compile_model(build(writer, x, y), CORE)
    inputs = [
        np.full(compiled.graph.tensors[key].shape, 3, np.int8) for key in compiled.graph.inputs
    ]
    expected, _ = reference.run(compiled.graph, inputs)
    with HostModel(compiled, sanitize=True) as model:
        for output, value in zip(model.run(inputs), expected, strict=True):
            np.testing.assert_array_equal(output, value)


@st.composite
def random_networks(draw: st.DrawFn) -> bytes:
    """A network of up to ten ops on (1, 5, 4, 3) images, each reading any earlier tensor."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 16)))
    writer = TfliteWriter()
    count = draw(st.integers(2, 10))
    names = (f"t{i}" for i in range(count + 1))
    tensors = [
        writer.tensor(name, (1, 5, 4, 3), np.int8, scale=0.05, zero_point=2) for name in names
    ]
    for i, result in enumerate(tensors[1:]):
        earlier = st.sampled_from(tensors[max(0, i - 2) : i + 1])
        kind = draw(st.sampled_from(["relu", "add", "conv", "depthwise", "pool", "mul"]))
        x = draw(earlier)
        if kind == "relu":
            writer.op("RELU", [x], [result])
        elif kind in ("add", "mul"):
            writer.op(kind.upper(), [x, draw(earlier)], [result], f"{kind.title()}Options")
        elif kind == "pool":
            window = {"filterHeight": 2, "filterWidth": 3, "strideH": 1, "strideW": 1}
            writer.op("MAX_POOL_2D", [x], [result], "Pool2DOptions", **window)
        else:
            shape, axis = ((3, 3, 2, 3), 0) if kind == "conv" else ((1, 3, 2, 3), 3)
            weights = rng.integers(-127, 128, shape).astype(np.int8)
            w = writer.constant(f"w{i}", weights, scale=np.full(3, 0.004), axis=axis)
            builtin, options = {
                "conv": ("CONV_2D", "Conv2DOptions"),
                "depthwise": ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"),
            }[kind]
            once = {"depthMultiplier": 1} if kind == "depthwise" else {}
            strides = {"strideH": 1, "strideW": 1}
            writer.op(builtin, [x, w, None], [result], options, **strides, **once)
    outputs = [tensors[-1], *draw(st.lists(st.sampled_from(tensors[1:-1]), max_size=1))]
    return writer.build([tensors[0]], outputs)


@pytest.mark.host
@hypothesis.settings(max_examples=12)
@hypothesis.given(random_networks())
def test_no_tensor_overwrites_one_that_is_still_needed(data: bytes) -> None:
    """In random networks with in-place ops, every op sees what the reference saw."""
    compiled = compile_model(data, CORE)
    assert compiled.plan.total_bytes >= compiled.plan.lower_bound_bytes
    rng = np.random.default_rng(0)
    with HostModel(compiled) as model:
        for _ in range(2):
            inputs = [rng.integers(-128, 128, (1, 5, 4, 3)).astype(np.int8)]
            expected, tensors = reference.run(compiled.graph, inputs)
            trace = iter(model.trace(inputs))
            for op in compiled.graph.ops:
                for key in op.outputs:
                    assert next(trace) == (op.index, tensors[key].tobytes()), str(op)
            for output, value in zip(model.run(inputs), expected, strict=True):
                np.testing.assert_array_equal(output, value)


def test_unknown_optimization_is_refused() -> None:
    """With the three that there are."""
    with pytest.raises(UsageError, match="fast") as caught:
        compile_model(networks.ds_cnn(), CORE, "fast")  # type: ignore[arg-type]
    assert "speed, balanced, size" in caught.value.hint


def test_dump_sees_every_stage() -> None:
    """The graph as read first, then one for each pass."""
    seen: list[str] = []
    compile_model(networks.ds_cnn(), CORE, dump=lambda name, graph: seen.append(name))
    assert seen[0] == "reader" and len(seen) > 1


def test_interrupted_write_keeps_the_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure half-way leaves the folder as it was."""
    compiled = compile_model(networks.ds_cnn(), CORE)
    folder = tmp_path / "c"
    compiled.write(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(self: Path, *_: object, **__: object) -> int:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="No space"):
        compiled.write(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
