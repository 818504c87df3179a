"""Chains: ops of several tensors in one loop, where no byte differs and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import single_op
from elementwise import UNIT, Elementwise, gru_gates, random_elementwise

from tinykit.board import CORES
from tinykit.compiler import CompiledModel, compile_model, reference
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.compiler.lower import MODES, Mode

ROWS = 4


@pytest.fixture(scope="module")
def golden() -> Iterator[Golden]:
    """One interpreter process for all models."""
    with Golden(single_op.fully_connected()) as interpreter:
        yield interpreter


def compiled(data: bytes, core: str = "cortex-m4f", mode: Mode = "balanced") -> CompiledModel:
    """Return a model, whose chains never cost RAM."""
    model = compile_model(data, CORES[core], mode)
    plain = compile_model(data, CORES[core], mode, chains=False)
    assert model.plan.total_bytes <= plain.plan.total_bytes
    return model


def kinds(data: bytes, core: str = "cortex-m4f", mode: Mode = "balanced") -> list[str]:
    """Return what the ops of a compiled model are, those of chains as `add>logistic`."""
    ops = compiled(data, core, mode).graph.ops
    return [
        ">".join(part.kind for part in op.attrs.body) if op.kind == "chain" else op.kind
        for op in ops
    ]


def assert_exact(data: bytes, model: CompiledModel, golden: Golden) -> None:
    """The C gives the interpreter's bytes, row after row, and so does numpy."""
    golden.load(data)
    stacked, states = single_op.inputs(data, ROWS), None
    with HostModel(model, sanitize=True) as host:
        for row in range(ROWS):
            inputs = [values[row] for values in stacked]
            expected = golden.run(inputs)
            after, tensors = reference.run(model.graph, inputs, states)
            states = reference.next_states(model.graph, tensors)
            for got, numpy, output in zip(host.run(inputs), after, expected, strict=True):
                np.testing.assert_array_equal(numpy, output)
                np.testing.assert_array_equal(got, output)


@pytest.mark.host
@pytest.mark.parametrize(
    ("core", "mode"), [("cortex-m3", "speed"), *(("cortex-m4f", mode) for mode in MODES)]
)
def test_the_gates_of_a_gru_are_exact(core: str, mode: Mode, golden: Golden) -> None:
    """Portable and DSP kernels, these in every mode."""
    assert_exact(gru_gates(), compiled(gru_gates(), core, mode), golden)


def test_the_gates_of_a_gru_are_one_loop() -> None:
    """Six ops of three values, of which one is read twice."""
    assert kinds(gru_gates()) == ["logistic>sub>tanh>mul>mul>add"]


@pytest.mark.host
@pytest.mark.parametrize("seed", range(12))
def test_random_ops_are_exact(seed: int, golden: Golden) -> None:
    """Extreme zero points, values read twice, views and outputs between."""
    core = ("cortex-m3", "cortex-m4f")[seed % 2]
    model = compiled(random_elementwise(seed), core, MODES[seed // 2 % 3])
    assert_exact(random_elementwise(seed), model, golden)


def test_random_ops_have_chains() -> None:
    """The draws above are not tried in vain."""
    drawn = [kinds(random_elementwise(seed)) for seed in range(12)]
    assert sum(any(">" in kind for kind in kind_list) for kind_list in drawn) >= 8
    assert any("reshape" in kind for kind_list in drawn for kind in kind_list if ">" in kind)


def test_a_value_may_be_read_twice_inside() -> None:
    """`v * logistic(v)` where v is a sum: all of it is one loop."""
    net = Elementwise(1, 40)
    v = net.op("ADD", net.input(), net.input())
    y = net.op("MUL", v, net.op("LOGISTIC", v, to=UNIT))
    assert kinds(net.data(y)) == ["add>lookup"]


def test_what_others_read_is_written() -> None:
    """A value with a reader outside, or that is an output of the model, stays one."""
    net = Elementwise(1, 40)
    v = net.op("ADD", net.input(), net.input())
    ends = [net.op("MUL", v, net.input()), net.op("SUB", v, net.input())]
    assert kinds(net.data(*ends)) == ["add", "mul", "sub"]
    assert kinds(net.data(v, ends[0])) == ["add", "mul"]


@pytest.mark.host
def test_chains_go_through_reshapes(golden: Golden) -> None:
    """Elements keep their order, whatever the shape."""
    net = Elementwise(1, 4, 10)
    v = net.op("MUL", net.input(), net.input())
    flat = net.reshape(v, (0.03, -20), 1, 40)
    data = net.data(net.op("ADD", flat, net.input((0.02, -128)), to=(0.06, 127)))
    assert kinds(data) == ["mul>reshape>add"]
    assert_exact(data, compiled(data), golden)


@pytest.mark.host
def test_constants_of_the_same_shape_are_operands(golden: Golden) -> None:
    """A constant for each element, and one for all, which makes a table."""
    net = Elementwise(1, 40)
    v = net.op("ADD", net.input(), net.constant([range(-20, 20)], (0.04, 0)))
    v = net.op("MUL", v, net.input((0.01, -128)))
    data = net.data(net.op("SUB", net.constant(9, (0.05, 1)), v))
    assert kinds(data) == ["add>mul>sub"]
    assert_exact(data, compiled(data), golden)


def test_broadcast_values_are_left_alone() -> None:
    """One value for each channel: the loops of the kernel are needed."""
    net = Elementwise(1, 4, 10)
    v = net.op("ADD", net.input(), net.input((0.05, 0), 1, 1, 10))
    assert kinds(net.data(net.op("MUL", v, net.input()))) == ["add", "mul"]


def test_chains_end_where_registers_do() -> None:
    """Four sums are two chains with the DSP extension, and none with portable kernels."""
    net = Elementwise(1, 40)
    v = net.input()
    for _ in range(4):
        v = net.op("ADD", v, net.input())
    assert kinds(net.data(v)) == ["add>add", "add>add"]
    assert kinds(net.data(v), "cortex-m3") == ["add"] * 4


def test_helium_has_no_chains() -> None:
    """Its kernels take many elements at a time."""
    assert kinds(gru_gates(), "cortex-m55") == [*("logistic", "sub", "tanh", "mul", "mul", "add")]


def test_equal_chains_share_their_code() -> None:
    """Steps of a recurrent layer that are quantized alike: one function."""
    net = Elementwise(1, 40)
    h = net.input()
    for _ in range(3):
        h = net.op("ADD", net.op("MUL", h, net.input(), to=(0.04, 1)), net.input(), to=(0.05, 3))
    model = compiled(net.data(h), "cortex-m4f")
    assert len([op for op in model.graph.ops if op.kind == "chain"]) >= 2
    assert model.sources["tk_model.c"].count("void chain_") == 1


def test_size_keeps_what_is_shared() -> None:
    """Where one kernel serves many ops already, chains would add code."""
    net = Elementwise(1, 40)
    v = net.input()
    for i in range(10):
        v = net.op("MUL", v, net.input((0.02 + i / 1000, i)), to=(0.03, i))
    assert kinds(net.data(v), mode="size") == ["mul"] * 10


def test_no_chain_makes_inputs_wait_where_that_needs_ram() -> None:
    """A sum is smaller than its two operands: before layers that need much, it is made at once.

    The chains before and behind those layers are made all the same.
    """
    net, rng = Elementwise(1, 40), np.random.default_rng(0)
    v = net.op("LOGISTIC", net.op("ADD", net.input(), net.input()), to=UNIT)
    x = net.input((0.05, 3), 1, 8)
    for depth, units in ((8, 160), (160, 40)):
        made = net.value((0.4, 0), 1, units)
        weights = rng.integers(-127, 128, (units, depth)).astype(np.int8)
        filters = net.writer.constant("w", weights, scale=0.01)
        net.writer.op("FULLY_CONNECTED", [x, filters], [made], "FullyConnectedOptions")
        x = made
    data = net.data(net.op("LOGISTIC", net.op("MUL", v, x), to=UNIT))
    assert kinds(data) == ["add>logistic", *["fully_connected"] * 2, "mul>logistic"]


@pytest.mark.host
def test_a_state_is_read_before_it_changes(golden: Golden) -> None:
    """A chain whose last op comes after the assignment still sees the old value."""
    net = Elementwise(1, 12)
    x = net.input()
    handle = net.writer.variable("v", np.arange(12, dtype=np.int8)[None], scale=0.05, zero_point=3)
    old = net.value((0.05, 3))
    net.writer.op("READ_VARIABLE", [handle], [old], "ReadVariableOptions")
    difference = net.op("SUB", old, x, to=(0.1, -5))
    net.writer.op("ASSIGN_VARIABLE", [handle, x], [], "AssignVariableOptions")
    data = net.data(net.op("MUL", difference, net.input(), to=(0.06, 1)))
    assert "sub>mul" in kinds(data)
    assert_exact(data, compiled(data), golden)


@pytest.mark.host
def test_16x8_chains_are_exact(golden: Golden) -> None:
    """Sums and products of int16, one with a single constant."""
    net = Elementwise(1, 30, dtype=np.int16)
    one, half = (2.0**-15, 0), (2.0**-14, 0)
    a, b, c = (net.input(one) for _ in range(3))
    v = net.op("SUB", net.op("MUL", a, b, to=one), c, to=half)
    data = net.data(net.op("MUL", net.constant(32767, one), v, to=half))
    assert kinds(data) == ["mul>sub>mul"]
    assert_exact(data, compiled(data), golden)


def test_the_c_names_the_ops_of_a_chain() -> None:
    """Whoever reads the file finds what the loop stands for."""
    net = Elementwise(1, 40)
    v = net.op("LOGISTIC", net.op("ADD", net.input(), net.input()), to=UNIT)
    assert "chain of 0 add > 1 logistic" in compiled(net.data(v)).sources["tk_model.c"]
